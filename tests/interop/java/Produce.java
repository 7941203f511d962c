import java.io.FileOutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Sends numbered messages.  Message number i goes to queue i % queues, so each
 * queue gets its own gapless SEQ; a queue belongs to one thread, so SEQ is also
 * the order of sending.  The client never retries here: a retry would make
 * duplicates and disorder that are not the broker's fault.
 */
public final class Produce {
    private static final int ASYNC_WINDOW = 500;
    private static final int BATCH = 32;

    private final DefaultMQProducer producer;
    private final String topic;
    private final String prefix;
    private final int count;
    private final int size;
    private final int threads;
    private final boolean patient;
    private final long deadline;
    private final PrintStream acked;
    private final AtomicInteger sent = new AtomicInteger();
    private final AtomicInteger complaints = new AtomicInteger();
    private List<MessageQueue> queues;
    private int queueCount;

    /** Sends SEQ from..to-1 of one queue. */
    private interface Sender {
        void send(int queue, int from, int to) throws Exception;
    }

    private Produce(Args a) throws Exception {
        topic = a.need("-t");
        prefix = a.need("--prefix");
        count = Integer.parseInt(a.need("-c"));
        size = a.num("-s", 100);
        threads = a.num("-k", 1);
        patient = a.flag("--patient");
        deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(a.num("--timeout", 300));
        String file = a.get("--acked", null);
        acked = file == null ? null : new PrintStream(new FileOutputStream(file, true), true, "UTF-8");
        producer = new DefaultMQProducer(a.need("-g"), Keys.hook());
        producer.setNamesrvAddr(a.need("-n"));
        producer.setSendMsgTimeout(10000);
        producer.setRetryTimesWhenSendFailed(0);
        producer.setRetryTimesWhenSendAsyncFailed(0);
        if (patient) {
            producer.setPollNameServerInterval(1000);
        }
        producer.start();
    }

    public static void main(String[] argv) throws Exception {
        Args a = new Args(argv, "-n", "-t", "-g", "-c", "-s", "-m", "-k", "--prefix", "--timeout", "--acked",
            "--patient");
        Produce p = new Produce(a);
        String mode = a.get("-m", "sync");
        p.findQueues(mode.equals("selector"));
        switch (mode) {
            case "sync": p.inThreads(1, p::sync); break;
            case "oneway": p.inThreads(1, p::oneway); break;
            case "selector": p.inThreads(1, p::selector); break;
            case "batch": p.inThreads(BATCH, p::batch); break;
            case "async": p.async(); break;
            default:
                System.err.println("bad mode " + mode);
                System.exit(2);
        }
        // One-way sends are done when they are queued; let them reach the wire.
        Thread.sleep(mode.equals("oneway") ? 500 : 0);
        p.producer.shutdown();
        // Whatever was not acknowledged, tried or not, has failed.
        int failed = p.count - p.sent.get();
        System.out.println("{\"sent\":" + p.sent + ",\"failed\":" + failed + "}");
        System.exit(failed == 0 ? 0 : 1);
    }

    /** A selector lets the client make the topic, so there the topic may be missing yet. */
    private void findQueues(boolean mayBeMissing) throws Exception {
        try {
            queues = new ArrayList<>(producer.fetchPublishMessageQueues(topic));
            Collections.sort(queues);
            queueCount = queues.size();
        } catch (MQClientException e) {
            if (!mayBeMissing) {
                throw e;
            }
            queueCount = producer.getDefaultTopicQueueNums();
        }
    }

    private int seqsOf(int queue) {
        return (count - queue + queueCount - 1) / queueCount;
    }

    private Message message(int queue, int seq) {
        return new Payload(prefix, queue, seq).message(topic, size, queueCount);
    }

    private void inThreads(int block, Sender sender) throws Exception {
        List<Thread> all = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            int own = t;
            Thread thread = new Thread(() -> sendOwnQueues(own, block, sender));
            thread.start();
            all.add(thread);
        }
        for (Thread thread : all) {
            thread.join();
        }
    }

    private void sendOwnQueues(int thread, int block, Sender sender) {
        for (int from = 0; from < seqsOf(0) && timeLeft(); from += block) {
            for (int q = thread; q < queueCount; q += threads) {
                int to = Math.min(from + block, seqsOf(q));
                if (from >= to) {
                    continue;
                }
                try {
                    sender.send(q, from, to);
                    ok(q, from, to);
                } catch (Exception e) {
                    complain(e);
                    pause();
                }
            }
        }
    }

    private void pause() {
        if (patient) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    private void sync(int q, int from, int to) throws Exception {
        need(producer.send(message(q, from), queues.get(q)));
    }

    private void oneway(int q, int from, int to) throws Exception {
        producer.sendOneway(message(q, from), queues.get(q));
    }

    private void selector(int q, int from, int to) throws Exception {
        need(producer.send(message(q, from), (mqs, msg, arg) -> mqs.get((Integer) arg), q));
    }

    private void batch(int q, int from, int to) throws Exception {
        List<Message> block = new ArrayList<>();
        for (int seq = from; seq < to; seq++) {
            block.add(message(q, seq));
        }
        need(producer.send(block, queues.get(q)));
    }

    private void async() throws Exception {
        Semaphore window = new Semaphore(ASYNC_WINDOW);
        for (int i = 0; i < count && timeLeft(); i++) {
            int q = i % queueCount;
            int seq = i / queueCount;
            window.acquire();
            try {
                producer.send(message(q, seq), queues.get(q), new SendCallback() {
                    @Override
                    public void onSuccess(SendResult r) {
                        try {
                            need(r);
                            ok(q, seq, seq + 1);
                        } catch (Exception e) {
                            complain(e);
                        }
                        window.release();
                    }

                    @Override
                    public void onException(Throwable e) {
                        complain(e);
                        window.release();
                    }
                });
            } catch (Exception e) {
                complain(e);
                window.release();
            }
        }
        if (!window.tryAcquire(ASYNC_WINDOW, 30, TimeUnit.SECONDS)) {
            System.err.println("callbacks are missing");
        }
    }

    private static void need(SendResult r) throws Exception {
        if (r.getSendStatus() != SendStatus.SEND_OK) {
            throw new Exception("send status " + r.getSendStatus());
        }
    }

    private boolean timeLeft() {
        return System.nanoTime() < deadline;
    }

    private void ok(int q, int from, int to) {
        sent.addAndGet(to - from);
        for (int seq = from; acked != null && seq < to; seq++) {
            acked.println(new Payload(prefix, q, seq).id());
        }
    }

    private void complain(Throwable e) {
        if (complaints.incrementAndGet() <= 5) {
            System.err.println("send failed: " + e);
        }
    }
}
