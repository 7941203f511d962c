/* SPDX-License-Identifier: Apache-2.0 */

import io.openmessaging.storage.dledger.DLedgerConfig;
import io.openmessaging.storage.dledger.DLedgerServer;
import io.openmessaging.storage.dledger.entry.DLedgerEntry;
import io.openmessaging.storage.dledger.protocol.AppendEntryRequest;
import io.openmessaging.storage.dledger.protocol.AppendEntryResponse;
import io.openmessaging.storage.dledger.store.DLedgerStore;

/**
 * DLedger 0.1 alone in its group on a ledger directory: reads all entries, appends some, and ends as told.
 *
 * --dir DIR --port PORT --append N --end close|halt; byte k of entry i is i + k.
 */
public final class LedgerServer {
    private static byte[] body(long index, int length) {
        byte[] body = new byte[length];
        for (int k = 0; k < length; k++) {
            body[k] = (byte) (index + k);
        }
        return body;
    }

    private static int checksums(DLedgerStore store) {
        int checksums = 0;
        for (long i = Math.max(0, store.getLedgerBeginIndex()); i <= store.getLedgerEndIndex(); i++) {
            DLedgerEntry e = store.get(i);
            if (e.getIndex() != i || !java.util.Arrays.equals(e.getBody(), body(i, e.getBody().length))) {
                throw new IllegalStateException("entry " + i + " is not what was written: " + e);
            }
            checksums += e.getBodyCrc() != 0 && e.getChainCrc() != 0 ? 1 : 0;
        }
        return checksums;
    }

    public static void main(String[] argv) throws Exception {
        Args args = new Args(argv, "--dir", "--port", "--append", "--end");
        DLedgerConfig config = new DLedgerConfig();
        config.setGroup("g");
        config.setSelfId("n0");
        config.setPeers("n0-127.0.0.1:" + args.need("--port"));
        config.setStoreBaseDir(args.need("--dir"));
        config.setMappedFileSizeForEntryData(2048);
        config.setMappedFileSizeForEntryIndex(512);
        DLedgerServer server = new DLedgerServer(config);
        server.startup();
        for (int i = 0; i < 200 && !server.getMemberState().isLeader(); i++) {
            Thread.sleep(100);
        }
        DLedgerStore store = server.getdLedgerStore();
        long found = store.getLedgerEndIndex();
        int checksums = checksums(store);
        for (int i = 0; i < Integer.parseInt(args.need("--append")); i++) {
            AppendEntryRequest request = new AppendEntryRequest();
            request.setGroup("g");
            request.setRemoteId("n0");
            request.setBody(body(store.getLedgerEndIndex() + 1, i * 53 % 600));
            AppendEntryResponse response = server.handleAppend(request).get();
            if (response.getCode() != 200) {
                throw new IllegalStateException("append: " + response.getCode());
            }
        }
        System.out.println("found " + found + " checksums " + checksums + " end " + store.getLedgerEndIndex() + " term "
            + server.getMemberState().currTerm());
        System.out.flush();
        if (args.need("--end").equals("halt")) {
            Runtime.getRuntime().halt(0);
        }
        server.shutdown();
        System.exit(0);
    }
}
