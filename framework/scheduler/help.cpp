#include "scheduler/help.hpp"

namespace mesos::scheduler {

const char kHelp[] =
    R"(scheduler: keeps web servers running on a Mesos cluster.

Usage: scheduler [FLAGS]

Without flags it starts a Mesos-compatible cluster inside this process, launches one server on
it, says where the server is, and replaces it should it end. Ctrl-C ends everything.

Where to run
  --master MASTER            local (default): a cluster inside this process
                             HOST:PORT: a master of a Mesos cluster
                             https://HOST:PORT: the same by TLS
                             zk://[USER:PASSWORD@]HOST:PORT,HOST:PORT/PATH: whichever master
                             leads, found through ZooKeeper, and every one after it
                             file:///PATH: a file that holds one of these, such as a URL with
                             a password
  --ca-file FILE             PEM of whom to trust with a master's certificate, which must be made
                             out to HOST (default: whom this system trusts). Masters that are
                             found through ZooKeeper are then spoken to by TLS
  --cert-file FILE, --key-file FILE
                             PEM of this program's certificate, for masters that ask for one
  --port PORT                of the embedded cluster's master; it must then be free
                             (default: 5050, or any free port if that is busy)

What to run
  --content TEXT             what every server answers, as text or HTML
                             (default: Hello from Server)
  --instances N              how many servers (default: 1)
  --cpus N                   of each server (default: 0.5)
  --mem MB                   of each server (default: 128)
                             The executor of each server takes 0.01 cpus and 32 MB more.

As whom
  --name NAME                of the framework (default: mesos-cpp)
  --user USER                whom servers run as on the agents (default: you)
  --role ROLE                whose resources are used (default: *)
  --principal NAME           who this framework is to a master that asks
  --secret-file FILE         its secret, for HTTP Basic: the file's text, without its last newline
  --hostname NAME            shown by the master (default: this machine's)

How the executor program gets to the agents
  --executor PATH            the program, served to agents over HTTP by this process
                             (default: the file 'executor' beside this program; 'executor-tls'
                             if the master speaks TLS)
  --artifact-address IP[:PORT]
                             where to serve it: an address of this machine that agents can
                             reach. Needed unless the master is on loopback.
  --artifact-cert-file FILE, --artifact-key-file FILE
                             PEM of the certificate to serve it by https with
  --executor-uri URI         do not serve it; agents fetch it from here

Coming back
  --state DIR                keep there who this framework is and every task it launches, before
                             it launches it. A stop, or an end of whatever kind, then leaves the
                             servers running, and the next start with the same DIR takes them
                             over. One scheduler at a time uses a DIR; it is made if need be.
  --failover-timeout TIME    how long the servers live without a scheduler, such as 90mins
                             (default: 1weeks with --state, otherwise 0)
  --checkpoint               let servers outlive a restart of their agent
  --teardown                 with --state: end the framework and all its servers, delete the
                             state, and exit

This program
  --seed N                   makes its random choices repeatable (default: 0, drawn from the
                             system and logged)
  --log-level LEVEL          of the log on stderr: debug, info, warning or error
                             (default: info)
  --help, --version

Every flag can be set by an environment variable as well: --master by MESOS_MASTER, the others by
MESOS_CPP_ and their name, such as MESOS_CPP_FAILOVER_TIMEOUT. Flags win.

Exit status
  0    after a stop
  1    something failed, as the last line on stderr says
  2    a mistake in the flags, or a --state that cannot be used
  3    the master has removed the framework, and all its servers: it was torn down, or it was away
       for longer than its --failover-timeout. --state DIR --teardown clears the state; then start
       anew.
  4    another scheduler has taken the framework over, with all its servers. Only one may run.
  5    the master refuses the --principal or its secret (401, 403)
  130  after a second Ctrl-C, which exits at once

Examples
  scheduler
  scheduler --instances 3 --cpus 0.2 --content '<html><h1>Hello</h1></html>'
  scheduler --master 10.0.0.1:5050 --artifact-address 10.0.0.5 --state /var/lib/web
  scheduler --master 10.0.0.1:5050 --state /var/lib/web --teardown
)";

}  // namespace mesos::scheduler
