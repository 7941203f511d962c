import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** "-x value" and "--name value" options of the peers; every option has a value. */
final class Args {
    private final Map<String, String> values = new HashMap<>();

    Args(String[] argv, String... known) {
        List<String> names = Arrays.asList(known);
        Iterator<String> it = Arrays.asList(argv).iterator();
        while (it.hasNext()) {
            String name = it.next();
            if (!names.contains(name) || !it.hasNext()) {
                System.err.println("bad option " + name + "; known: " + names);
                System.exit(2);
            }
            values.put(name, it.next());
        }
    }

    String get(String name, String fallback) {
        return values.getOrDefault(name, fallback);
    }

    String need(String name) {
        String v = values.get(name);
        if (v == null) {
            System.err.println("missing option " + name);
            System.exit(2);
        }
        return v;
    }

    int num(String name, int fallback) {
        String v = values.get(name);
        return v == null ? fallback : Integer.parseInt(v);
    }

    boolean flag(String name) {
        return num(name, 0) != 0;
    }
}
