import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * Makes topics at a broker (-b HOST:PORT) and waits until the name server (-n)
 * knows them.  Many topics in one JVM, because a start of mqadmin for each
 * would take a second.  -t is a comma separated list.
 */
public final class Topics {
    public static void main(String[] argv) throws Exception {
        Args a = new Args(argv, "-n", "-b", "-t", "-q");
        String[] topics = a.need("-t").split(",");
        DefaultMQAdminExt admin = new DefaultMQAdminExt(Keys.hook());
        admin.setNamesrvAddr(a.need("-n"));
        admin.start();
        int queues = a.num("-q", 8);
        for (String topic : topics) {
            admin.createAndUpdateTopicConfig(a.need("-b"), new TopicConfig(topic, queues, queues, 6));
        }
        long deadline = System.nanoTime() + 20_000_000_000L;
        for (String topic : topics) {
            while (!known(admin, topic)) {
                if (System.nanoTime() > deadline) {
                    System.err.println("no route for topic " + topic);
                    System.exit(1);
                }
                Thread.sleep(100);
            }
        }
        admin.shutdown();
        System.exit(0);
    }

    private static boolean known(DefaultMQAdminExt admin, String topic) {
        try {
            return !admin.examineTopicRouteInfo(topic).getQueueDatas().isEmpty();
        } catch (Exception e) {
            return false;
        }
    }
}
