import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.remoting.RPCHook;

/** What signs the requests of a peer: ACCESS_KEY and SECRET_KEY of the environment, or nothing. */
final class Keys {
    private Keys() {
    }

    static RPCHook hook() {
        String access = System.getenv("ACCESS_KEY");
        return access == null ? null : new AclClientRPCHook(new SessionCredentials(access, System.getenv("SECRET_KEY")));
    }
}
