import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.protocol.heartbeat.MessageModel;

/**
 * Reads a topic from its first offset until --expect distinct messages were
 * seen or the time is up, then listens 2 s more for duplicates.
 */
public final class Consume {
    private final String topic;
    private final String group;
    private final String namesrv;
    private final String sub;
    private final int expect;
    private final boolean checkOrder;
    private final boolean atLeast;
    private final long deadline;
    private final String shareTo;
    private String share = "";

    /** Everything seen of one (prefix, queue). */
    private static final class Stream {
        final BitSet seen = new BitSet();
        long last = -1;
        String where;
    }

    private final Map<String, Stream> streams = new HashMap<>();
    private final Map<String, Long> lastOffset = new HashMap<>();
    private final Set<String> wantedTags;
    private long received;
    private long distinct;
    private long duplicates;
    private long disorder;
    private long corrupt;
    private long lost;

    private Consume(Args a) {
        topic = a.need("-t");
        group = a.need("-g");
        namesrv = a.need("-n");
        sub = a.get("--sub", "*");
        expect = Integer.parseInt(a.need("--expect"));
        checkOrder = a.flag("--check-order");
        atLeast = a.flag("--at-least");
        shareTo = a.get("--share-to", null);
        deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(a.num("--timeout", 60));
        if (sub.equals("*") || sub.startsWith("sql:")) {
            wantedTags = null;
        } else {
            wantedTags = new HashSet<>(Arrays.asList(sub.split(" *\\|\\| *")));
        }
    }

    public static void main(String[] argv) throws Exception {
        Args a = new Args(argv, "-n", "-t", "-g", "--expect", "--timeout", "--mode", "--sub",
            "--check-order", "--at-least", "--must-have", "--share-to");
        Consume c = new Consume(a);
        String mode = a.get("--mode", "push");
        switch (mode) {
            case "push": c.push(MessageModel.CLUSTERING); break;
            case "broadcast": c.push(MessageModel.BROADCASTING); break;
            case "pull": c.pull(); break;
            case "litepull": c.litePull(); break;
            default:
                System.err.println("bad mode " + mode);
                System.exit(2);
        }
        if (a.get("--must-have", null) != null) {
            c.lookForLost(a.get("--must-have", null));
        }
        System.exit(c.report() ? 0 : 1);
    }

    private MessageSelector selector() {
        return sub.startsWith("sql:") ? MessageSelector.bySql(sub.substring(4)) : MessageSelector.byTag(sub);
    }

    private boolean timeLeft() {
        return System.nanoTime() < deadline;
    }

    private synchronized boolean complete() {
        return distinct >= expect;
    }

    /** With --at-least the end is not known before, so the whole time is used by push. */
    private void waitForAll(DefaultMQPushConsumer c) throws Exception {
        while (timeLeft() && (atLeast || !complete())) {
            if (shareTo != null) {
                followShare(c);
            }
            Thread.sleep(50);
        }
        Thread.sleep(2000);
    }

    /** The queues it has now, a line each time that changes; the client keeps that to itself. */
    private void followShare(DefaultMQPushConsumer c) throws Exception {
        String now = c.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet().stream()
            .filter(q -> q.getTopic().equals(topic)).map(MessageQueue::getQueueId).sorted()
            .map(String::valueOf).collect(Collectors.joining(" "));
        if (!now.equals(share)) {
            share = now;
            Files.write(Paths.get(shareTo), (now + "\n").getBytes(StandardCharsets.UTF_8),
                StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        }
    }

    private void push(MessageModel model) throws Exception {
        DefaultMQPushConsumer c = new DefaultMQPushConsumer(group);
        c.setNamesrvAddr(namesrv);
        c.setMessageModel(model);
        c.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        c.subscribe(topic, selector());
        if (checkOrder) {
            c.registerMessageListener((MessageListenerOrderly) (msgs, ctx) -> {
                msgs.forEach(this::seen);
                return ConsumeOrderlyStatus.SUCCESS;
            });
        } else {
            c.registerMessageListener((MessageListenerConcurrently) (msgs, ctx) -> {
                msgs.forEach(this::seen);
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        }
        c.start();
        waitForAll(c);
        c.shutdown();
    }

    private void litePull() throws Exception {
        DefaultLitePullConsumer c = new DefaultLitePullConsumer(group);
        c.setNamesrvAddr(namesrv);
        c.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        c.subscribe(topic, selector());
        c.start();
        long end = 0;
        while (timeLeft() && (end == 0 || System.nanoTime() < end)) {
            c.poll(100).forEach(this::seen);
            if (end == 0 && complete() && !atLeast) {
                end = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
            }
        }
        c.shutdown();
    }

    /** Goes round the queues; stops after 2 s in which a complete round brought nothing new. */
    private void pull() throws Exception {
        DefaultMQPullConsumer c = new DefaultMQPullConsumer(group);
        c.setNamesrvAddr(namesrv);
        c.start();
        List<MessageQueue> queues = new ArrayList<>(c.fetchSubscribeMessageQueues(topic));
        Collections.sort(queues);
        Map<MessageQueue, Long> next = new HashMap<>();
        for (MessageQueue mq : queues) {
            next.put(mq, c.minOffset(mq));
        }
        long quietSince = System.nanoTime();
        while (timeLeft()) {
            boolean moved = false;
            for (MessageQueue mq : queues) {
                moved |= pullOnce(c, mq, next);
            }
            if (moved) {
                quietSince = System.nanoTime();
                continue;
            }
            boolean quiet = System.nanoTime() - quietSince > TimeUnit.SECONDS.toNanos(2);
            if (quiet && complete()) {
                break;
            }
            Thread.sleep(20);
        }
        for (MessageQueue mq : queues) {
            c.updateConsumeOffset(mq, next.get(mq));
        }
        c.shutdown();
    }

    private boolean pullOnce(DefaultMQPullConsumer c, MessageQueue mq, Map<MessageQueue, Long> next) throws Exception {
        long offset = next.get(mq);
        PullResult r = sub.startsWith("sql:") ? pullSql(c, mq, offset) : c.pull(mq, sub, offset, 32);
        switch (r.getPullStatus()) {
            case FOUND:
                for (MessageExt m : r.getMsgFoundList()) {
                    if (m.getQueueId() != mq.getQueueId() || m.getQueueOffset() < offset) {
                        complain("message of another place", m);
                        synchronized (this) {
                            disorder++;
                        }
                    }
                    seen(m);
                }
                break;
            case OFFSET_ILLEGAL:
                System.err.println("offset " + offset + " of " + mq + " is illegal, server says " + r);
                synchronized (this) {
                    disorder++;
                }
                break;
            default:
                break;
        }
        next.put(mq, r.getNextBeginOffset());
        return r.getNextBeginOffset() != offset;
    }

    /** The client believes a broker too old for SQL92 until it has answered a heartbeat, a second after the start. */
    private PullResult pullSql(DefaultMQPullConsumer c, MessageQueue mq, long offset) throws Exception {
        while (true) {
            try {
                return c.pull(mq, selector(), offset, 32);
            } catch (MQClientException e) {
                if (!timeLeft() || !String.valueOf(e.getErrorMessage()).contains("does not upgrade")) {
                    throw e;
                }
                Thread.sleep(100);
            }
        }
    }

    private void complain(String what, MessageExt m) {
        if (disorder + corrupt + duplicates < 5) {
            System.err.println(what + ": " + m.getStoreHost() + " queue " + m.getQueueId()
                + " offset " + m.getQueueOffset() + " " + m.getProperties());
        }
    }

    private synchronized void seen(MessageExt m) {
        received++;
        Payload p = Payload.parse(m);
        if (p == null || !topic.equals(m.getTopic()) || wantedTags != null && !wantedTags.contains(p.tag())) {
            complain("corrupt", m);
            corrupt++;
            return;
        }
        Stream s = streams.computeIfAbsent(p.prefix + ":" + p.queue, k -> new Stream());
        if (s.seen.get((int) p.seq)) {
            complain("duplicate", m);
            duplicates++;
            return;
        }
        s.seen.set((int) p.seq);
        distinct++;
        checkPlace(p, s, m);
        s.last = p.seq;
    }

    /** One (prefix, queue) lives in one queue of one broker; in order, if that was asked for. */
    private void checkPlace(Payload p, Stream s, MessageExt m) {
        String where = m.getStoreHost() + "/" + m.getQueueId();
        if (s.where == null) {
            s.where = where;
        }
        boolean wrong = !s.where.equals(where);
        if (checkOrder) {
            wrong |= m.getQueueOffset() <= lastOffset.getOrDefault(where, -1L);
            wrong |= sub.startsWith("sql:") ? p.seq <= s.last : p.seq != nextWanted(s.last);
            lastOffset.put(where, m.getQueueOffset());
        }
        if (wrong) {
            complain("disorder after seq " + s.last, m);
            disorder++;
        }
    }

    /** The SEQ that must follow; with a tag subscription only every other one may come. */
    private long nextWanted(long last) {
        long next = last + 1;
        while (wantedTags != null && !wantedTags.contains(new Payload("", 0, next).tag()) && next < last + 2) {
            next++;
        }
        return next;
    }

    private synchronized void lookForLost(String file) throws Exception {
        for (String line : Files.readAllLines(Paths.get(file))) {
            int cut = line.lastIndexOf(':');
            Stream s = streams.get(line.substring(0, cut));
            if (s == null || !s.seen.get(Integer.parseInt(line.substring(cut + 1)))) {
                if (++lost <= 5) {
                    System.err.println("lost: " + line);
                }
            }
        }
    }

    private synchronized boolean report() {
        System.out.println("{\"received\":" + received + ",\"distinct\":" + distinct
            + ",\"duplicates\":" + duplicates + ",\"disorder\":" + disorder
            + ",\"corrupt\":" + corrupt + ",\"lost\":" + lost + "}");
        boolean enough = atLeast ? distinct >= expect : distinct == expect;
        return enough && duplicates == 0 && disorder == 0 && corrupt == 0 && lost == 0;
    }
}
