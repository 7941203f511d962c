import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.admin.TopicOffset;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * Delayed messages, and messages that are consumed again.
 *
 * --mode delay: reads --expect messages of the topic; none may come twice, nor
 * earlier after its birth than its delay level says. -c N sends N of each of the
 * levels 1 to 3 first.
 *
 * --mode retry: sends -c messages; every third succeeds at once, every third at
 * the second attempt, and every third never: it must come --retries times more
 * and then be among the group's dead letters.
 */
public final class Retries {
    private static final long[] LEVEL_MS = {0, 1000, 5000, 10000};

    private final String namesrv;
    private final String topic;
    private final String group;
    private final int count;
    private final int retries;
    private final long deadline;
    private final Map<String, List<Integer>> attempts = new HashMap<>();
    private int received;
    private long latest;
    private String wrong;

    private Retries(Args a) {
        namesrv = a.need("-n");
        topic = a.need("-t");
        group = a.need("-g");
        count = a.num("-c", 0);
        retries = a.num("--retries", 2);
        deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(a.num("--timeout", 60));
    }

    public static void main(String[] argv) throws Exception {
        Args a = new Args(argv, "-n", "-t", "-g", "-c", "--mode", "--expect", "--retries", "--timeout");
        Retries r = new Retries(a);
        boolean ok = a.need("--mode").equals("delay") ? r.delay(a.num("--expect", 3 * r.count)) : r.retry();
        System.out.println("{\"received\":" + r.received + ",\"latest_ms\":" + r.latest + "}"
            + (r.wrong == null ? "" : " " + r.wrong));
        System.exit(ok && r.wrong == null ? 0 : 1);
    }

    private void complain(String what, MessageExt m) {
        if (wrong == null) {
            wrong = what + ": " + new String(m.getBody(), StandardCharsets.UTF_8) + " " + m;
        }
    }

    private DefaultMQPushConsumer consumer(MessageListenerConcurrently listener) throws Exception {
        DefaultMQPushConsumer c = new DefaultMQPushConsumer(group);
        c.setNamesrvAddr(namesrv);
        c.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        c.setMaxReconsumeTimes(retries);
        c.subscribe(topic, "*");
        c.registerMessageListener(listener);
        c.start();
        return c;
    }

    private void send(int highestLevel) throws Exception {
        DefaultMQProducer p = new DefaultMQProducer(group + "_p");
        p.setNamesrvAddr(namesrv);
        p.start();
        for (int i = 0; i < count; i++) {
            for (int level = Math.min(1, highestLevel); level <= highestLevel; level++) {
                Message m = new Message(topic, "TagA", (level + "-" + i).getBytes(StandardCharsets.UTF_8));
                m.setDelayTimeLevel(level);
                if (p.send(m).getSendStatus() != SendStatus.SEND_OK) {
                    throw new Exception("not SEND_OK");
                }
            }
        }
        p.shutdown();
    }

    private synchronized boolean waits(int expect) {
        return received < expect && wrong == null && System.nanoTime() < deadline;
    }

    private boolean delay(int expect) throws Exception {
        DefaultMQPushConsumer c = consumer((msgs, ctx) -> {
            msgs.forEach(this::arrived);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        if (count > 0) {
            send(3);
        }
        while (waits(expect)) {
            Thread.sleep(50);
        }
        Thread.sleep(2000);
        c.shutdown();
        return received == expect;
    }

    private synchronized void arrived(MessageExt m) {
        long late = System.currentTimeMillis() - m.getBornTimestamp() - LEVEL_MS[m.getDelayTimeLevel()];
        received++;
        latest = Math.max(latest, late);
        if (m.getDelayTimeLevel() == 0 || late < 0) {
            complain("early by " + -late + " ms", m);
        }
        if (attempts.put(m.getMsgId(), new ArrayList<>()) != null) {
            complain("twice", m);
        }
    }

    private static int numberOf(MessageExt m) {
        return Integer.parseInt(new String(m.getBody(), StandardCharsets.UTF_8).substring(2));
    }

    /** How often message `number` must come. */
    private int timesOf(int number) {
        return number % 3 == 0 ? 1 : number % 3 == 1 ? 2 : 1 + retries;
    }

    private synchronized ConsumeConcurrentlyStatus attempt(MessageExt m) {
        int number = numberOf(m);
        List<Integer> seen = attempts.computeIfAbsent(String.valueOf(number), k -> new ArrayList<>());
        received++;
        seen.add(m.getReconsumeTimes());
        if (m.getReconsumeTimes() != seen.size() - 1 || seen.size() > timesOf(number) || !topic.equals(m.getTopic())) {
            complain("attempts " + seen, m);
        }
        boolean succeeds = number % 3 != 2 && seen.size() == timesOf(number);
        return succeeds ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS : ConsumeConcurrentlyStatus.RECONSUME_LATER;
    }

    private boolean retry() throws Exception {
        int expect = 0;
        int dead = 0;
        for (int i = 0; i < count; i++) {
            expect += timesOf(i);
            dead += i % 3 == 2 ? 1 : 0;
        }
        DefaultMQPushConsumer c = consumer((msgs, ctx) -> {
            ctx.setDelayLevelWhenNextConsume(1);
            return attempt(msgs.get(0));
        });
        send(0);
        while (waits(expect)) {
            Thread.sleep(50);
        }
        Thread.sleep(2000);
        c.shutdown();
        long letters = deadLetters();
        if (letters != dead && wrong == null) {
            wrong = letters + " dead letters, not " + dead;
        }
        return received == expect;
    }

    private long deadLetters() throws Exception {
        DefaultMQAdminExt admin = new DefaultMQAdminExt();
        admin.setNamesrvAddr(namesrv);
        admin.start();
        long letters = 0;
        for (TopicOffset o : admin.examineTopicStats("%DLQ%" + group).getOffsetTable().values()) {
            letters += o.getMaxOffset();
        }
        admin.shutdown();
        return letters;
    }
}
