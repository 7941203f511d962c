/* SPDX-License-Identifier: Apache-2.0
 *
 * settings: every configuration key of a 4.7.0 broker (BrokerConfig,
 * MessageStoreConfig, NettyServerConfig, NettyClientConfig) in one list, from
 * which the structure, the defaults, the parser and -p come. A key without
 * effect here carries CONFIG_IGNORED and the reason; setting it logs that line.
 *
 * K(type, name, default, min, max, enum names, flags, doc)
 */
#ifndef MQBROKER_SETTINGS_H
#define MQBROKER_SETTINGS_H

#include "core/config/config.h"

extern const char *const broker_role_names[];
extern const char *const flush_disk_names[];
enum broker_role { ROLE_ASYNC_MASTER, ROLE_SYNC_MASTER, ROLE_SLAVE };
enum flush_disk { FLUSH_SYNC, FLUSH_ASYNC };
/* As enum raft_fsync. */
extern const char *const dledger_fsync_names[];

/* clang-format off */
#define BROKER_SETTINGS(K) \
  /* BrokerConfig */ \
  K(TEXT, rocketmqHome, NULL, 0, 0, NULL, CONFIG_IGNORED, "no installation folder is needed") \
  K(TEXT, namesrvAddr, NULL, 0, 0, NULL, CONFIG_IMPORTANT, "name servers, \"host:port;host:port\"; default: environment NAMESRV_ADDR") \
  K(TEXT, brokerIP1, NULL, 0, 0, NULL, CONFIG_IMPORTANT, "address registered with the name servers and written into records and message ids; default: the first non-loopback IPv4 address") \
  K(TEXT, brokerIP2, NULL, 0, 0, NULL, CONFIG_IMPORTANT, "address that slaves are told to replicate from (port listenPort+1); default: brokerIP1") \
  K(TEXT, brokerName, NULL, 0, 0, NULL, CONFIG_IMPORTANT, "default: the host name") \
  K(TEXT, brokerClusterName, "DefaultCluster", 0, 0, NULL, CONFIG_IMPORTANT, "cluster this broker belongs to; also the name of a system topic") \
  K(I64, brokerId, "0", 0, 2147483647, NULL, CONFIG_IMPORTANT, "0 is the master; a slave has its own number > 0; a master's is always 0") \
  K(I32, brokerPermission, "6", 0, 7, NULL, CONFIG_LIVE, "2 write + 4 read: what this broker allows for all topics") \
  K(I32, defaultTopicQueueNums, "8", 1, 65535, NULL, 0, "queues of TBW102, and most of an automatically created topic") \
  K(BOOL, autoCreateTopicEnable, "true", 0, 0, NULL, CONFIG_IMPORTANT | CONFIG_LIVE, "create unknown topics on first send, from TBW102") \
  K(BOOL, clusterTopicEnable, "true", 0, 0, NULL, 0, "topic named like the cluster may be read and written") \
  K(BOOL, brokerTopicEnable, "true", 0, 0, NULL, 0, "topic named like the broker may be read and written") \
  K(BOOL, autoCreateSubscriptionGroup, "true", 0, 0, NULL, CONFIG_IMPORTANT | CONFIG_LIVE, "create consumer groups on first use") \
  K(TEXT, messageStorePlugIn, NULL, 0, 0, NULL, CONFIG_IGNORED, "Java classes cannot be loaded here") \
  K(TEXT, msgTraceTopicName, "RMQ_SYS_TRACE_TOPIC", 0, 0, NULL, CONFIG_IMPORTANT, "name of the trace topic") \
  K(BOOL, traceTopicEnable, "false", 0, 0, NULL, CONFIG_IMPORTANT, "create the trace topic at start") \
  K(I32, sendMessageThreadPoolNums, "1", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, pullMessageThreadPoolNums, "20", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, processReplyMessageThreadPoolNums, "20", 0, INT32_MAX, NULL, CONFIG_IGNORED, "request-reply is not in this version") \
  K(I32, queryMessageThreadPoolNums, "10", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, adminBrokerThreadPoolNums, "16", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, clientManageThreadPoolNums, "32", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, consumerManageThreadPoolNums, "32", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, heartbeatThreadPoolNums, "2", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, endTransactionThreadPoolNums, "12", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, flushConsumerOffsetInterval, "5000", 0, INT32_MAX, NULL, CONFIG_LIVE, "ms between writes of consumerOffset.json") \
  K(I32, flushConsumerOffsetHistoryInterval, "60000", 0, INT32_MAX, NULL, CONFIG_IGNORED, "never read by 4.7.0 either") \
  K(BOOL, rejectTransactionMessage, "false", 0, 0, NULL, CONFIG_IMPORTANT | CONFIG_LIVE, "refuse messages of transactions") \
  K(BOOL, fetchNamesrvAddrByAddressServer, "false", 0, 0, NULL, CONFIG_IMPORTANT | CONFIG_IGNORED, "the HTTP address server is not asked in this version: set namesrvAddr") \
  K(I32, sendThreadPoolQueueCapacity, "10000", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, pullThreadPoolQueueCapacity, "100000", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, replyThreadPoolQueueCapacity, "10000", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, queryThreadPoolQueueCapacity, "20000", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, clientManagerThreadPoolQueueCapacity, "1000000", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, consumerManagerThreadPoolQueueCapacity, "1000000", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, heartbeatThreadPoolQueueCapacity, "50000", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, endTransactionPoolQueueCapacity, "100000", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, filterServerNums, "0", 0, INT32_MAX, NULL, CONFIG_IGNORED, "class filter servers do not exist any more") \
  K(BOOL, longPollingEnable, "true", 0, 0, NULL, CONFIG_LIVE, "hold a pull that finds nothing until a message arrives") \
  K(I64, shortPollingTimeMills, "1000", INT64_MIN, INT64_MAX, NULL, CONFIG_LIVE, "ms a pull is held when long polling is off") \
  K(BOOL, notifyConsumerIdsChangedEnable, "true", 0, 0, NULL, CONFIG_LIVE, "tell consumers when a member of their group comes or goes") \
  K(BOOL, highSpeedMode, "false", 0, 0, NULL, CONFIG_IGNORED, "never read by 4.7.0 either") \
  K(BOOL, commercialEnable, "true", 0, 0, NULL, CONFIG_IGNORED, "never read by 4.7.0 either") \
  K(I32, commercialTimerCount, "1", 0, INT32_MAX, NULL, CONFIG_IGNORED, "never read by 4.7.0 either") \
  K(I32, commercialTransCount, "1", 0, INT32_MAX, NULL, CONFIG_IGNORED, "never read by 4.7.0 either") \
  K(I32, commercialBigCount, "1", 0, INT32_MAX, NULL, CONFIG_IGNORED, "never read by 4.7.0 either") \
  K(I32, commercialBaseCount, "1", 0, INT32_MAX, NULL, CONFIG_IGNORED, "commercial statistics do not exist here") \
  K(BOOL, transferMsgByHeap, "true", 0, 0, NULL, CONFIG_IGNORED, "replies are always gathered from the mapped log without a copy") \
  K(I32, maxDelayTime, "40", 0, INT32_MAX, NULL, CONFIG_IGNORED, "never read by 4.7.0 either") \
  K(TEXT, regionId, "DefaultRegion", 0, 0, NULL, CONFIG_LIVE, "sent as MSG_REGION") \
  K(I32, registerBrokerTimeoutMills, "6000", 0, INT32_MAX, NULL, CONFIG_LIVE, "ms to wait for a name server") \
  K(BOOL, slaveReadEnable, "false", 0, 0, NULL, CONFIG_LIVE, "suggest a slave to consumers that are far behind (accessMessageInMemoryMaxRatio)") \
  K(BOOL, disableConsumeIfConsumerReadSlowly, "false", 0, 0, NULL, CONFIG_IGNORED, "slow consumers are not disabled: they cannot stall the others") \
  K(I64, consumerFallbehindThreshold, "17179869184", INT64_MIN, INT64_MAX, NULL, CONFIG_IGNORED, "slow consumers are not disabled: they cannot stall the others") \
  K(BOOL, brokerFastFailureEnable, "true", 0, 0, NULL, CONFIG_IGNORED, "no queue in front of a handler: nothing waits there") \
  K(I64, waitTimeMillsInSendQueue, "200", INT64_MIN, INT64_MAX, NULL, CONFIG_IGNORED, "no queue in front of a handler: nothing waits there") \
  K(I64, waitTimeMillsInPullQueue, "5000", INT64_MIN, INT64_MAX, NULL, CONFIG_IGNORED, "no queue in front of a handler: nothing waits there") \
  K(I64, waitTimeMillsInHeartbeatQueue, "31000", INT64_MIN, INT64_MAX, NULL, CONFIG_IGNORED, "no queue in front of a handler: nothing waits there") \
  K(I64, waitTimeMillsInTransactionQueue, "3000", INT64_MIN, INT64_MAX, NULL, CONFIG_IGNORED, "no queue in front of a handler: nothing waits there") \
  K(I64, startAcceptSendRequestTimeStamp, "0", INT64_MIN, INT64_MAX, NULL, CONFIG_LIVE, "epoch ms before which sends are refused") \
  K(BOOL, traceOn, "true", 0, 0, NULL, CONFIG_LIVE, "sent as TRACE_ON") \
  K(BOOL, enableCalcFilterBitMap, "false", 0, 0, NULL, CONFIG_LIVE, "with enableConsumeQueueExt, note for each message which SQL92 filters let it pass, so that pulls need not read the others") \
  K(I32, expectConsumerNumUseFilter, "32", 1, 10000, NULL, 0, "consumer groups with SQL92 filters the Bloom filter of a topic is made for; when it changes, consumerFilter.json is left aside") \
  K(I32, maxErrorRateOfBloomFilter, "20", 1, 99, NULL, 0, "% of messages the Bloom filter may let pass in vain; when it changes, consumerFilter.json is left aside") \
  K(I64, filterDataCleanTimeSpan, "86400000", INT64_MIN, INT64_MAX, NULL, CONFIG_LIVE, "ms after which the SQL92 filter of a group that is gone is forgotten") \
  K(BOOL, filterSupportRetry, "false", 0, 0, NULL, CONFIG_LIVE, "filter messages of a retry topic as those of the topic they came from") \
  K(BOOL, enablePropertyFilter, "false", 0, 0, NULL, CONFIG_LIVE, "let consumers filter by SQL92") \
  K(BOOL, compressedRegister, "false", 0, 0, NULL, 0, "deflate the registration (loses topicSysFlag and order, as in Java)") \
  K(BOOL, forceRegister, "true", 0, 0, NULL, CONFIG_LIVE, "false: ask QUERY_DATA_VERSION first and register only when something changed") \
  K(I32, registerNameServerPeriod, "30000", 0, INT32_MAX, NULL, CONFIG_LIVE, "ms between registrations with the name servers (10000..60000)") \
  K(I64, transactionTimeOut, "6000", 0, INT32_MAX, NULL, CONFIG_IMPORTANT | CONFIG_LIVE, "ms until a producer is asked for a transaction that it has not ended; CHECK_IMMUNITY_TIME_IN_SECONDS of a message goes before") \
  K(I32, transactionCheckMax, "15", 0, INT32_MAX, NULL, CONFIG_IMPORTANT | CONFIG_LIVE, "how often a producer is asked; then the message goes to TRANS_CHECK_MAX_TIME_TOPIC") \
  K(I64, transactionCheckInterval, "60000", 1, INT32_MAX, NULL, CONFIG_IMPORTANT | CONFIG_LIVE, "ms between two rounds of questions for transactions") \
  K(BOOL, aclEnable, "false", 0, 0, NULL, CONFIG_IMPORTANT | CONFIG_IGNORED, "access control is not in this version") \
  K(BOOL, storeReplyMessageEnable, "true", 0, 0, NULL, CONFIG_IGNORED, "request-reply is not in this version") \
  /* MessageStoreConfig */ \
  K(TEXT, storePathRootDir, NULL, 0, 0, NULL, CONFIG_IMPORTANT, "directory of everything on disk; default: $HOME/store") \
  K(TEXT, storePathCommitLog, NULL, 0, 0, NULL, CONFIG_IMPORTANT, "directory of the commit log; default: $HOME/store/commitlog (it does not follow storePathRootDir)") \
  K(I32, mappedFileSizeCommitLog, "1073741824", 4096, 2147483647, NULL, 0, "bytes of a commit log file; must not change on an existing store") \
  K(I32, mappedFileSizeConsumeQueue, "6000000", 20, 2147483640, NULL, 0, "bytes of a consume queue file, rounded up to a multiple of 20; must not change") \
  K(BOOL, enableConsumeQueueExt, "false", 0, 0, NULL, 0, "keep store time and filter bit map of each message beside its queue (consumequeue_ext); false: what is there is still read") \
  K(I32, mappedFileSizeConsumeQueueExt, "50331648", 0, INT32_MAX, NULL, 0, "bytes of a file in consumequeue_ext (at least 24); must not change") \
  K(I32, bitMapLengthConsumeQueueExt, "64", 0, INT32_MAX, NULL, CONFIG_IGNORED, "always what maxErrorRateOfBloomFilter and expectConsumerNumUseFilter make it, as in 4.7.0") \
  K(I32, flushIntervalCommitLog, "500", 1, 600000, NULL, CONFIG_IMPORTANT, "ms between flushes (ASYNC_FLUSH)") \
  K(I32, commitIntervalCommitLog, "200", 0, INT32_MAX, NULL, CONFIG_IMPORTANT | CONFIG_IGNORED, "records are staged and written once a turn anyway: no off-heap pool is needed") \
  K(BOOL, useReentrantLockWhenPutMessage, "false", 0, 0, NULL, CONFIG_IGNORED, "a JVM or netty detail that has no counterpart here") \
  K(BOOL, flushCommitLogTimed, "false", 0, 0, NULL, CONFIG_IMPORTANT, "false: also flush as soon as flushCommitLogLeastPages are dirty") \
  K(I32, flushIntervalConsumeQueue, "1000", 1, 600000, NULL, 0, "ms between writes of the consume queues and the checkpoint") \
  K(I32, cleanResourceInterval, "10000", 10, INT32_MAX, NULL, CONFIG_LIVE, "ms between looks for files to remove and at how full the disk is; the first after 60 s") \
  K(I32, deleteCommitLogFilesInterval, "100", 0, INT32_MAX, NULL, CONFIG_LIVE, "ms between the removals of two commit log files") \
  K(I32, deleteConsumeQueueFilesInterval, "100", 0, INT32_MAX, NULL, CONFIG_LIVE, "ms between the removals of two consume queue files") \
  K(I32, destroyMapedFileIntervalForcibly, "120000", 0, INT32_MAX, NULL, CONFIG_IGNORED, "a file is removed without harm to those who still read it: there is nothing to force") \
  K(I32, redeleteHangedFileInterval, "120000", 0, INT32_MAX, NULL, CONFIG_LIVE, "ms after which a removal that failed is tried again") \
  K(TEXT, deleteWhen, "04", 0, 0, NULL, CONFIG_IMPORTANT | CONFIG_LIVE, "hours of local time in which expired files are removed, such as 04 or 04;16") \
  K(I32, diskMaxUsedSpaceRatio, "75", 0, INT32_MAX, NULL, CONFIG_LIVE, "% of the disk in use above which expired files are removed at any hour; 10 to 95, what is beyond counts as the nearest") \
  K(I32, fileReservedTime, "72", 0, INT32_MAX, NULL, CONFIG_IMPORTANT | CONFIG_LIVE, "hours after its last write until a commit log file is expired") \
  K(I32, putMsgIndexHightWater, "600000", 0, INT32_MAX, NULL, CONFIG_IGNORED, "never read by 4.7.0 either") \
  K(I32, maxMessageSize, "4194304", 512, 134217728, NULL, 0, "bytes of the whole stored record") \
  K(BOOL, checkCRCOnRecover, "true", 0, 0, NULL, 0, "verify body checksums when the log is read at start") \
  K(I32, flushCommitLogLeastPages, "4", 0, INT32_MAX, NULL, 0, "4 KiB pages that make a flush worth while") \
  K(I32, commitCommitLogLeastPages, "4", 0, INT32_MAX, NULL, CONFIG_IGNORED, "records are staged and written once a turn anyway: no off-heap pool is needed") \
  K(I32, flushLeastPagesWhenWarmMapedFile, "4096", 0, INT32_MAX, NULL, CONFIG_IGNORED, "a JVM or netty detail that has no counterpart here") \
  K(I32, flushConsumeQueueLeastPages, "2", 0, INT32_MAX, NULL, CONFIG_IGNORED, "every flush of the queues is thorough") \
  K(I32, flushCommitLogThoroughInterval, "10000", 0, INT32_MAX, NULL, 0, "ms after which everything is flushed") \
  K(I32, commitCommitLogThoroughInterval, "200", 0, INT32_MAX, NULL, CONFIG_IGNORED, "records are staged and written once a turn anyway: no off-heap pool is needed") \
  K(I32, flushConsumeQueueThoroughInterval, "60000", 0, INT32_MAX, NULL, CONFIG_IGNORED, "every flush of the queues is thorough") \
  K(I32, maxTransferBytesOnMessageInMemory, "262144", 0, INT32_MAX, NULL, CONFIG_IMPORTANT | CONFIG_LIVE, "most bytes one pull returns") \
  K(I32, maxTransferCountOnMessageInMemory, "32", 1, 1024, NULL, CONFIG_IMPORTANT | CONFIG_LIVE, "most messages one pull returns") \
  K(I32, maxTransferBytesOnMessageInDisk, "65536", 0, INT32_MAX, NULL, CONFIG_IMPORTANT | CONFIG_IGNORED, "the in-memory limits are used for every read") \
  K(I32, maxTransferCountOnMessageInDisk, "8", 0, INT32_MAX, NULL, CONFIG_IMPORTANT | CONFIG_IGNORED, "the in-memory limits are used for every read") \
  K(I32, accessMessageInMemoryMaxRatio, "40", 0, 100, NULL, CONFIG_IMPORTANT, "% of physical memory: what lies further back than that counts as on disk (a new group then begins at the end; slaveReadEnable then suggests a slave)") \
  K(BOOL, messageIndexEnable, "true", 0, 0, NULL, CONFIG_IMPORTANT, "index messages by key (UNIQ_KEY, KEYS); false: what is indexed is still found") \
  K(I32, maxHashSlotNum, "5000000", 1, 67108864, NULL, 0, "hash slots of an index file; must not change on an existing store") \
  K(I32, maxIndexNum, "20000000", 2, 107374180, NULL, 0, "entries of an index file, one of them unused; must not change on an existing store") \
  K(I32, maxMsgsNumBatch, "64", 0, INT32_MAX, NULL, CONFIG_LIVE, "most messages one query by key returns (never more than 1024)") \
  K(BOOL, messageIndexSafe, "false", 0, 0, NULL, CONFIG_IMPORTANT, "true: read the log as far back as keys lack in the index at start; false: not more than its last 16 GiB") \
  K(I32, haListenPort, "10912", 0, INT32_MAX, NULL, CONFIG_IGNORED, "always listenPort+1, as in 4.7.0") \
  K(I32, haSendHeartbeatInterval, "5000", 10, INT32_MAX, NULL, 0, "ms without a word to the other side of a replication connection until a keepalive is sent") \
  K(I32, haHousekeepingInterval, "20000", 100, INT32_MAX, NULL, 0, "ms without a word from the other side of a replication connection until it is closed") \
  K(I32, haTransferBatchSize, "32768", 1, 4194292, NULL, 0, "bytes of the log in one replication frame; Java's slaves have a buffer of 4 MiB for it") \
  K(TEXT, haMasterAddress, NULL, 0, 0, NULL, CONFIG_IMPORTANT, "host:port a slave replicates from; default: as the name servers say") \
  K(I32, haSlaveFallbehindMax, "268435456", 0, INT32_MAX, NULL, 0, "bytes a slave may lack and still be waited for by SYNC_MASTER") \
  K(ENUM, brokerRole, "ASYNC_MASTER", 0, 0, broker_role_names, CONFIG_IMPORTANT, "ASYNC_MASTER: answer once written here; SYNC_MASTER: once slaves have it, too; SLAVE: a copy of a master") \
  K(ENUM, flushDiskType, "ASYNC_FLUSH", 0, 0, flush_disk_names, CONFIG_IMPORTANT, "ASYNC_FLUSH: answer once written (survives kill -9); SYNC_FLUSH: answer once on disk") \
  K(I32, syncFlushTimeout, "5000", 0, INT32_MAX, NULL, CONFIG_LIVE, "ms until a send is answered FLUSH_DISK_TIMEOUT (SYNC_FLUSH) or FLUSH_SLAVE_TIMEOUT (SYNC_MASTER)") \
  K(TEXT, messageDelayLevel, "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h", 0, 0, NULL, CONFIG_IMPORTANT, "how long the levels of delayed messages are, from level 1 on: numbers with s, m, h or d") \
  K(I64, flushDelayOffsetInterval, "10000", 1, INT32_MAX, NULL, CONFIG_LIVE, "ms between saves of delayOffset.json") \
  K(BOOL, cleanFileForciblyEnable, "true", 0, 0, NULL, CONFIG_IMPORTANT | CONFIG_LIVE, "above diskSpaceCleanForciblyRatio, remove the oldest files although they are not expired") \
  K(BOOL, warmMapedFileEnable, "false", 0, 0, NULL, CONFIG_IGNORED, "a JVM or netty detail that has no counterpart here") \
  K(BOOL, offsetCheckInSlave, "false", 0, 0, NULL, CONFIG_LIVE, "a slave corrects consumers' offsets that are not in its queues") \
  K(BOOL, debugLockEnable, "false", 0, 0, NULL, CONFIG_IGNORED, "a JVM or netty detail that has no counterpart here") \
  K(BOOL, duplicationEnable, "false", 0, 0, NULL, CONFIG_IGNORED, "copying the log from another store is not offered") \
  K(BOOL, diskFallRecorded, "true", 0, 0, NULL, CONFIG_IGNORED, "the distance to the end of the log is always known") \
  K(I64, osPageCacheBusyTimeOutMills, "1000", INT64_MIN, INT64_MAX, NULL, CONFIG_IGNORED, "no lock is held while writing") \
  K(I32, defaultQueryMaxNum, "32", 0, INT32_MAX, NULL, CONFIG_LIVE, "most messages a query by unique key returns") \
  K(BOOL, transientStorePoolEnable, "false", 0, 0, NULL, CONFIG_IMPORTANT | CONFIG_IGNORED, "records are staged and written once a turn anyway: no off-heap pool is needed") \
  K(I32, transientStorePoolSize, "5", 0, INT32_MAX, NULL, CONFIG_IGNORED, "records are staged and written once a turn anyway: no off-heap pool is needed") \
  K(BOOL, fastFailIfNoBufferInStorePool, "false", 0, 0, NULL, CONFIG_IGNORED, "records are staged and written once a turn anyway: no off-heap pool is needed") \
  K(BOOL, enableDLegerCommitLog, "false", 0, 0, NULL, CONFIG_IMPORTANT, "the commit log is the ledger of a group of brokers that elect their master; brokerRole and brokerId follow from that") \
  K(TEXT, dLegerGroup, NULL, 0, 0, NULL, CONFIG_IMPORTANT, "name of the group, the same on all members") \
  K(TEXT, dLegerPeers, NULL, 0, 0, NULL, CONFIG_IMPORTANT, "all members, \"n0-host:port;n1-host:port;n2-host:port\"") \
  K(TEXT, dLegerSelfId, NULL, 0, 0, NULL, CONFIG_IMPORTANT, "which of them this broker is, such as n0; as a slave its brokerId is the number + 1") \
  /* NettyServerConfig */ \
  K(I32, listenPort, "10911", 3, 65534, NULL, 0, "port for clients; listenPort-2 is the VIP port") \
  K(I32, serverWorkerThreads, "8", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, serverCallbackExecutorThreads, "0", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, serverSelectorThreads, "3", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, serverOnewaySemaphoreValue, "256", 0, INT32_MAX, NULL, CONFIG_IGNORED, "calls are bounded by memory limits, not by semaphores") \
  K(I32, serverAsyncSemaphoreValue, "64", 0, INT32_MAX, NULL, CONFIG_IGNORED, "calls are bounded by memory limits, not by semaphores") \
  K(I32, serverChannelMaxIdleTimeSeconds, "120", 0, INT32_MAX, NULL, 0, "seconds after which an idle connection is closed") \
  K(I32, serverSocketSndBufSize, "131072", 0, INT32_MAX, NULL, CONFIG_IGNORED, "the kernel sizes socket buffers") \
  K(I32, serverSocketRcvBufSize, "131072", 0, INT32_MAX, NULL, CONFIG_IGNORED, "the kernel sizes socket buffers") \
  K(BOOL, serverPooledByteBufAllocatorEnable, "true", 0, 0, NULL, CONFIG_IGNORED, "a JVM or netty detail that has no counterpart here") \
  K(BOOL, useEpollNativeSelector, "false", 0, 0, NULL, CONFIG_IGNORED, "a JVM or netty detail that has no counterpart here") \
  /* NettyClientConfig */ \
  K(I32, clientWorkerThreads, "4", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, clientCallbackExecutorThreads, "2", 0, INT32_MAX, NULL, CONFIG_IGNORED, "one thread serves all requests: there is no pool to size") \
  K(I32, clientOnewaySemaphoreValue, "65535", 0, INT32_MAX, NULL, CONFIG_IGNORED, "calls are bounded by memory limits, not by semaphores") \
  K(I32, clientAsyncSemaphoreValue, "65535", 0, INT32_MAX, NULL, CONFIG_IGNORED, "calls are bounded by memory limits, not by semaphores") \
  K(I32, connectTimeoutMillis, "3000", 0, INT32_MAX, NULL, 0, "ms to wait for an outgoing connection") \
  K(I64, channelNotActiveInterval, "60000", INT64_MIN, INT64_MAX, NULL, CONFIG_IGNORED, "never read by 4.7.0 either") \
  K(I32, clientChannelMaxIdleTimeSeconds, "120", 0, INT32_MAX, NULL, CONFIG_IGNORED, "idle connections are closed after serverChannelMaxIdleTimeSeconds in both directions") \
  K(I32, clientSocketSndBufSize, "131072", 0, INT32_MAX, NULL, CONFIG_IGNORED, "the kernel sizes socket buffers") \
  K(I32, clientSocketRcvBufSize, "131072", 0, INT32_MAX, NULL, CONFIG_IGNORED, "the kernel sizes socket buffers") \
  K(BOOL, clientPooledByteBufAllocatorEnable, "false", 0, 0, NULL, CONFIG_IGNORED, "never read by 4.7.0 either") \
  K(BOOL, clientCloseSocketIfTimeout, "false", 0, 0, NULL, CONFIG_IGNORED, "a late answer is dropped by its opaque; the connection stays usable") \
  K(BOOL, useTLS, "false", 0, 0, NULL, CONFIG_IGNORED, "TLS is not in this version") \
  /* Keys of our own: limits, each with a name. */ \
  K(I32, maxConnections, "50000", 1, 1000000, NULL, 0, "connections open at once; more are refused") \
  K(I32, frameMaxLength, "16777216", 1024, 268435456, NULL, 0, "bytes of a frame (com.rocketmq.remoting.frameMaxLength)") \
  K(I32, frameTimeoutMillis, "60000", 0, INT32_MAX, NULL, 0, "ms in which a frame that began must be complete; 0: no limit") \
  K(I32, connectionBacklogMaxBytes, "16777216", 65536, INT32_MAX, NULL, 0, "bytes a peer may leave unread before we stop reading from it") \
  K(I32, maxParkedPulls, "100000", 1, 10000000, NULL, CONFIG_LIVE, "long-polling pulls held at once; more are answered at once") \
  K(I32, maxTopics, "100000", 16, 10000000, NULL, CONFIG_LIVE, "topics this broker keeps") \
  K(I32, maxSubscriptionGroups, "100000", 16, 10000000, NULL, CONFIG_LIVE, "consumer groups this broker keeps") \
  K(I32, maxPendingTransactions, "1000000", 1, 100000000, NULL, CONFIG_LIVE, "transactions that producers are asked for at once; those behind them wait") \
  K(I32, maxQueueLocks, "1000000", 16, 10000000, NULL, CONFIG_LIVE, "queues that ordered consumers have locked at once; more are refused") \
  K(I32, rebalanceLockMaxLiveTime, "60000", 1000, INT32_MAX, NULL, CONFIG_LIVE, "ms a queue stays locked for an ordered consumer that does not ask again (rocketmq.broker.rebalance.lockMaxLiveTime)") \
  K(I32, maxConsumerFilters, "10000", 0, 1000000, NULL, CONFIG_LIVE, "SQL92 filters this broker keeps, one per group and topic") \
  K(I32, maxFilterExpressionLength, "65536", 1, 16777216, NULL, CONFIG_LIVE, "bytes of an SQL92 expression") \
  K(I32, maxFilterExpressionTerms, "8192", 1, 1048576, NULL, CONFIG_LIVE, "properties, constants and operators of an SQL92 expression") \
  K(I32, maxFilterExpressionDepth, "128", 1, 128, NULL, CONFIG_LIVE, "parentheses, signs and NOT within each other in an SQL92 expression") \
  K(I32, clientTimeoutMillis, "120000", 1000, INT32_MAX, NULL, CONFIG_LIVE, "ms without heartbeat after which a client is forgotten") \
  K(I32, diskSpaceCleanForciblyRatio, "85", 10, 100, NULL, CONFIG_LIVE, "% of the disk in use above which cleanFileForciblyEnable acts (rocketmq.broker.diskSpaceCleanForciblyRatio=0.85)") \
  K(I32, diskSpaceWarningLevelRatio, "90", 10, 100, NULL, CONFIG_LIVE, "% of the disk in use above which sends are refused (rocketmq.broker.diskSpaceWarningLevelRatio=0.90)") \
  K(BOOL, haListenEnable, "true", 0, 0, NULL, 0, "a master takes slaves on listenPort+1; false: the port stays closed") \
  K(I32, inSyncReplicas, "1", 1, 64, NULL, 0, "slaves that must have a message before SYNC_MASTER answers") \
  K(I64, haBacklogMaxBytes, "1048576", 65536, 1073741824, NULL, 0, "bytes that may wait for the network of one slave") \
  K(BOOL, haAckFlushed, "false", 0, 0, NULL, 0, "a slave acknowledges what is on its disk; false: what it has written, as Java") \
  K(TEXT, haReseed, NULL, 0, 0, NULL, CONFIG_LIVE, "given the number that a stopped slave names in its log: its log is moved aside and copied from the master again") \
  K(ENUM, dLegerFsync, "none", 0, 0, dledger_fsync_names, CONFIG_IMPORTANT, "a message is acknowledged when a majority has written it (none, as Java: survives kill -9 and the loss of a minority), when the leader has it on disk, too (leader), or a majority (majority: survives a power cut of all; costs a sync of two disks)") \
  K(I32, dLegerElectionTimeout, "300", 20, 60000, NULL, 0, "ms without a word from the leader until a follower stands for election, at least; at most twice that") \
  K(I32, dLegerHeartbeatInterval, "100", 5, 60000, NULL, 0, "ms between two words of a leader that has nothing to say") \
  K(I32, dLegerMaxPending, "10000", 1, 10000000, NULL, 0, "records that may wait for a majority (DLedgerConfig.maxPendingRequestsNum); more are refused") \
  K(I32, dLegerAckTimeout, "3000", 10, 600000, NULL, CONFIG_LIVE, "ms until a send that no majority has taken is answered SYSTEM_ERROR") \
  K(I32, dLegerOffsetInterval, "500", 10, 600000, NULL, CONFIG_LIVE, "ms between two records that tell the group how far consumers are") \
  K(TEXT, logFile, NULL, 0, 0, NULL, 0, "log file; default: standard error") \
  K(TEXT, bindAddress, "0.0.0.0", 0, 0, NULL, 0, "address to listen on")
/* clang-format on */

#define SETTING_C_I32 int32_t
#define SETTING_C_I64 int64_t
#define SETTING_C_BOOL bool
#define SETTING_C_TEXT char *
#define SETTING_C_ENUM int32_t

struct broker_settings {
  struct config_base base;
#define K(type, name, ...) SETTING_C_##type name;
  BROKER_SETTINGS(K)
#undef K
};

extern const struct config_table broker_settings_table;

/* Fills what has no fixed default: broker name from the host name, addresses, paths below home. */
enum status broker_settings_complete(struct broker_settings *s, const char *host_name, const char *address,
                                     const char *home, const char *namesrv_addr) MUST_USE;

/* The largest registerNameServerPeriod and the like are in the list. What only makes sense together is
 * checked here: INVALID and a sentence in why (an option that this version cannot honour, such as
 * enableDLegerCommitLog, refuses to start rather than to run without it). */
enum status broker_settings_check(const struct broker_settings *s, struct buf *why) MUST_USE;

#endif
