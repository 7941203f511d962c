import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * A transactional producer; mqpeer transact is the same in C.
 *
 * --mode mixed: of four messages one is committed, one rolled back, and two are
 * left open; asked for them, it commits one and rolls the other back.
 * --mode open: says nothing of any message, asked or not, until the time is up.
 * --mode answer: sends nothing, and commits --expect messages that it is asked
 * for.
 */
public final class Transact implements TransactionListener {
    private final String mode;
    private final Map<String, Integer> asked = new HashMap<>();

    private Transact(String mode) {
        this.mode = mode;
    }

    public static void main(String[] argv) throws Exception {
        Args a = new Args(argv, "-n", "-t", "-g", "-c", "--prefix", "--mode", "--expect", "--timeout");
        Transact t = new Transact(a.need("--mode"));
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(a.num("--timeout", 60));
        int count = t.mode.equals("answer") ? 0 : a.num("-c", 0);
        int expect = t.mode.equals("mixed") ? count / 2 : a.num("--expect", Integer.MAX_VALUE);
        TransactionMQProducer p = new TransactionMQProducer(a.need("-g"));
        p.setNamesrvAddr(a.need("-n"));
        p.setTransactionListener(t);
        p.start();
        int sent = 0;
        for (int i = 0; i < count; i++) {
            Message m = new Payload(a.need("--prefix"), 0, i).message(a.need("-t"), 100, 1);
            if (p.sendMessageInTransaction(m, i).getSendStatus() == SendStatus.SEND_OK) {
                sent++;
            }
        }
        System.err.println("sent " + sent);
        while (t.distinct() < expect && System.nanoTime() < deadline) {
            Thread.sleep(50);
        }
        Thread.sleep(1000);
        System.out.println("{\"sent\":" + sent + ",\"asked\":" + t.distinct() + "}");
        System.exit(sent == count && t.distinct() == expect ? 0 : 1);
    }

    private synchronized int distinct() {
        return asked.size();
    }

    @Override
    public LocalTransactionState executeLocalTransaction(Message m, Object number) {
        int i = (Integer) number;
        if (mode.equals("open") || i % 4 >= 2) {
            return LocalTransactionState.UNKNOW;
        }
        return i % 4 == 0 ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.ROLLBACK_MESSAGE;
    }

    @Override
    public synchronized LocalTransactionState checkLocalTransaction(MessageExt m) {
        Payload p = Payload.parse(m);
        if (p == null) {
            System.err.println("asked for what was not sent: " + m);
            return LocalTransactionState.ROLLBACK_MESSAGE;
        }
        asked.merge(p.id(), 1, Integer::sum);
        if (mode.equals("open")) {
            return LocalTransactionState.UNKNOW;
        }
        return mode.equals("answer") || p.seq % 4 == 2
            ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.ROLLBACK_MESSAGE;
    }
}
