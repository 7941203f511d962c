# mqbroker
