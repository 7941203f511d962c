import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.rocketmq.common.message.Message;

/**
 * The test message, the same in every language; README.md holds the rules.
 * Everything follows from (prefix, queue, seq), so a consumer can check a
 * message without having seen the producer.
 */
final class Payload {
    static final String UNI = "h\u00e9llo-\u4e16\u754c-\ud83d\ude80";
    static final int BIG = 6000;

    final String prefix;
    final int queue;
    final long seq;

    Payload(String prefix, int queue, long seq) {
        this.prefix = prefix;
        this.queue = queue;
        this.seq = seq;
    }

    String tag() {
        return seq % 2 == 0 ? "TagA" : "TagB";
    }

    String key() {
        return prefix + "-" + queue + "-" + seq;
    }

    /** What is written to and read from the --acked / --must-have files. */
    String id() {
        return prefix + ":" + queue + ":" + seq;
    }

    private static byte letter(long seq, int pos) {
        return (byte) ('a' + (seq + pos) % 26);
    }

    Message message(String topic, int bodySize, int queues) {
        // One in a thousand is over the 4096 bytes where clients start to compress.
        long index = seq * queues + queue;
        int size = index % 1000 == 999 ? Math.max(bodySize, BIG) : bodySize;
        byte[] head = (id() + ":").getBytes(StandardCharsets.UTF_8);
        byte[] body = new byte[Math.max(size, head.length)];
        System.arraycopy(head, 0, body, 0, head.length);
        for (int i = head.length; i < body.length; i++) {
            body[i] = letter(seq, i);
        }
        Message m = new Message(topic, tag(), key(), body);
        m.putUserProperty("uni", UNI);
        m.putUserProperty("len", Integer.toString(body.length));
        m.putUserProperty("num", Long.toString(seq % 10));
        return m;
    }

    /** The payload of a received message, or null if anything in it is wrong. */
    static Payload parse(Message m) {
        byte[] body = m.getBody();
        if (body == null) {
            return null;
        }
        int[] colon = new int[3];
        int found = 0;
        for (int i = 0; i < body.length && found < 3; i++) {
            if (body[i] == ':') {
                colon[found++] = i;
            }
        }
        if (found < 3) {
            return null;
        }
        Payload p;
        try {
            String[] head = new String(body, 0, colon[2], StandardCharsets.UTF_8).split(":");
            p = new Payload(head[0], Integer.parseInt(head[1]), Long.parseLong(head[2]));
        } catch (RuntimeException e) {
            return null;
        }
        for (int i = colon[2] + 1; i < body.length; i++) {
            if (body[i] != letter(p.seq, i)) {
                return null;
            }
        }
        Map<String, String> props = m.getProperties();
        boolean ok = p.tag().equals(m.getTags())
            && p.key().equals(m.getKeys())
            && UNI.equals(props.get("uni"))
            && Integer.toString(body.length).equals(props.get("len"))
            && Long.toString(p.seq % 10).equals(props.get("num"));
        return ok ? p : null;
    }
}
