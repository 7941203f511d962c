# Configurations that run: ./dev cluster NAME.
EXTRA_DIST += \
  packaging/conf/2m-noslave/broker-a.properties packaging/conf/2m-noslave/broker-b.properties \
  packaging/conf/2m-2s-async/broker-a.properties packaging/conf/2m-2s-async/broker-a-s.properties \
  packaging/conf/2m-2s-async/broker-b.properties packaging/conf/2m-2s-async/broker-b-s.properties \
  packaging/conf/2m-2s-sync/broker-a.properties packaging/conf/2m-2s-sync/broker-a-s.properties \
  packaging/conf/2m-2s-sync/broker-b.properties packaging/conf/2m-2s-sync/broker-b-s.properties \
  packaging/conf/dledger/broker-n0.conf packaging/conf/dledger/broker-n1.conf packaging/conf/dledger/broker-n2.conf
