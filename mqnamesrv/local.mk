# mqnamesrv
