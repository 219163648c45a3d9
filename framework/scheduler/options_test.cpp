#include "scheduler/options.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <vector>

namespace mesos::scheduler {
namespace {

using Variables = std::map<std::string, std::string>;

std::variant<Options, Exit> parse(std::vector<const char*> flags, const Variables& variables = {}) {
  flags.insert(flags.begin(), "scheduler");
  return parseOptions(static_cast<int>(flags.size()), flags.data(),
                      [&](const char* name) -> const char* {
                        const auto found = variables.find(name);
                        return found == variables.end() ? nullptr : found->second.c_str();
                      });
}

Options accepted(const std::vector<const char*>& flags, const Variables& variables = {}) {
  const auto parsed = parse(flags, variables);
  if (const Exit* refused = std::get_if<Exit>(&parsed)) {
    ADD_FAILURE() << refused->text;
    return {};
  }
  return std::get<Options>(parsed);
}

std::string refused(const std::vector<const char*>& flags, const Variables& variables = {}) {
  const auto parsed = parse(flags, variables);
  const Exit* exit = std::get_if<Exit>(&parsed);
  if (!exit) return "accepted";
  EXPECT_EQ(exit->code, 2);
  return exit->text;
}

TEST(Options, HaveTheTutorialsDefaults) {
  const Options options = accepted({});
  EXPECT_TRUE(options.isLocal());
  EXPECT_EQ(options.app.cpus, 0.5);
  EXPECT_EQ(options.app.mem, 128);
  EXPECT_EQ(options.app.content, "Hello from Server");
  EXPECT_EQ(options.app.instances, 1u);
  EXPECT_EQ(options.role, "*");
  EXPECT_FALSE(options.failoverTimeout);
  EXPECT_FALSE(options.port);
}

TEST(Options, AreSetByFlags) {
  const Options options =
      accepted({"--master=10.0.0.1:5050", "--cpus", "0.25", "--mem=64", "--content", "",
                "--instances=3", "--name=n", "--user=u", "--role=web/a", "--hostname=h",
                "--executor=/e", "--artifact-address=10.0.0.5:8000", "--failover-timeout=90mins",
                "--state=f", "--teardown", "--checkpoint", "--seed=7", "--log-level=error"});
  EXPECT_EQ(options.master, "10.0.0.1:5050");
  EXPECT_EQ(options.app.cpus, 0.25);
  EXPECT_EQ(options.app.mem, 64);
  EXPECT_EQ(options.app.content, "");
  EXPECT_EQ(options.app.instances, 3u);
  EXPECT_EQ(options.name, "n");
  EXPECT_EQ(options.user, "u");
  EXPECT_EQ(options.role, "web/a");
  EXPECT_EQ(options.hostname, "h");
  EXPECT_EQ(options.executor, "/e");
  EXPECT_EQ(options.artifactAddress, (protocol::Address{.host = "10.0.0.5", .port = 8000}));
  EXPECT_EQ(options.failoverTimeout, std::chrono::minutes(90));
  EXPECT_EQ(options.state, "f");
  EXPECT_TRUE(options.teardown);
  EXPECT_TRUE(options.checkpoint);
  EXPECT_EQ(options.seed, 7u);
  EXPECT_EQ(options.logLevel, LogLevel::error);
}

TEST(Options, AreSetByTheEnvironmentUnlessAFlagWins) {
  const Variables variables = {{"MESOS_MASTER", "10.0.0.1:5050"},
                               {"MESOS_CPP_CPUS", "2"},
                               {"MESOS_CPP_MEM", "256"},
                               {"MESOS_CPP_CHECKPOINT", "1"},
                               {"MESOS_CPP_EXECUTOR_URI", "http://h/e"}};
  const Options options = accepted({"--mem=64"}, variables);
  EXPECT_EQ(options.master, "10.0.0.1:5050");
  EXPECT_EQ(options.app.cpus, 2);
  EXPECT_EQ(options.app.mem, 64);
  EXPECT_TRUE(options.checkpoint);
  EXPECT_EQ(options.executorUri, "http://h/e");
}

TEST(Options, RefuseWithTheFlagTheValueAndWhatIsAccepted) {
  EXPECT_EQ(refused({"--cpus=many"}),
            "scheduler: --cpus is 'many', but must be a number of cpus of at least 0.001, such as "
            "0.5.\nTry 'scheduler --help'.\n");
  EXPECT_NE(refused({}, {{"MESOS_CPP_CPUS", "-1"}}).find("MESOS_CPP_CPUS is '-1'"),
            std::string::npos);
}

TEST(Options, RefuseBadValues) {
  for (const char* flag : {"--cpus=0",
                           "--cpus=nan",
                           "--cpus=inf",
                           "--cpus=1x",
                           "--cpus=",
                           "--mem=0",
                           "--mem=1e99",
                           "--instances=0",
                           "--instances=-1",
                           "--instances=1.5",
                           "--name=",
                           "--user=",
                           "--role=",
                           "--role=a b",
                           "--role=/a",
                           "--role=a//b",
                           "--role=a/*",
                           "--role=-a",
                           "--hostname=",
                           "--executor=",
                           "--executor-uri=executor",
                           "--artifact-address=host",
                           "--artifact-address=0.0.0.0",
                           "--artifact-address=1.2.3.4:99999",
                           "--failover-timeout=-1",
                           "--failover-timeout=soon",
                           "--failover-timeout=nan",
                           "--failover-timeout=inf",
                           "--failover-timeout=1e300",
                           "--failover-timeout=9223372037",
                           "--state=",
                           "--seed=-1",
                           "--seed=x",
                           "--port=70000",
                           "--log-level=loud",
                           "--checkpoint=perhaps",
                           "--master=",
                           "--master=host",
                           "--master=host:0x",
                           "--master=file://relative"}) {
    const std::string text = refused({flag});
    const std::string name(flag, std::string_view(flag).find('='));
    EXPECT_NE(text.find(name), std::string::npos) << flag << ": " << text;
  }
}

TEST(Options, RefuseAMasterWithWhatIsAccepted) {
  const std::string accepted =
      "'local', HOST:PORT, https://HOST:PORT, zk://HOST:PORT,…/PATH or file:///PATH (a file that "
      "holds one of these)";
  for (const std::string& text :
       {refused({"--master="}), refused({"--master", ""}), refused({}, {{"MESOS_MASTER", ""}}),
        refused({"--master=", "--executor-uri=/e"})}) {
    EXPECT_NE(text.find(" is '', but must be " + accepted), std::string::npos) << text;
  }
}

TEST(Options, RefuseAMasterWhoseFileIsMissingOrHoldsSomethingElse) {
  const std::string path = testing::TempDir() + "master-" + std::to_string(getpid());
  const std::string master = "--master=file://" + path;
  for (const bool exists : {false, true}) {
    if (exists) std::ofstream(path) << "nobody\n";
    const std::string text = refused({master.c_str(), "--executor-uri=/e"});
    EXPECT_NE(text.find("--master is 'file://" + path + "', but must be 'local', HOST:PORT"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find(exists ? "\"nobody\" is neither" : "cannot be read"), std::string::npos)
        << text;
  }
  std::ofstream(path) << "10.0.0.1:5050\n";
  accepted({master.c_str(), "--executor-uri=/e"});
  std::remove(path.c_str());
}

TEST(Options, SayWhoItIsAndWhomItTrusts) {
  const Options options =
      accepted({"--master=https://h:1", "--executor-uri=/e", "--principal=p", "--secret-file=/s",
                "--ca-file=/ca", "--cert-file=/c", "--key-file=/k"});
  EXPECT_EQ(options.principal, "p");
  EXPECT_EQ(options.secretFile, "/s");
  ASSERT_TRUE(options.tls);
  EXPECT_EQ(options.tls->caFile, "/ca");
  EXPECT_EQ(options.tls->certificateFile, "/c");
  EXPECT_EQ(options.tls->keyFile, "/k");
  EXPECT_TRUE(options.tls->verifyHost);
  EXPECT_TRUE(options.isTls());
  EXPECT_TRUE(accepted({"--master=https://h:1"}).isTls());
  EXPECT_FALSE(accepted({"--master=h:1"}).isTls());
  const Options byEnvironment =
      accepted({}, {{"MESOS_CPP_PRINCIPAL", "p"}, {"MESOS_CPP_SECRET_FILE", "/s"}});
  EXPECT_EQ(byEnvironment.principal, "p");
  EXPECT_EQ(byEnvironment.secretFile, "/s");
}

TEST(Options, RefuseSecretsOfNobodyAndKeysWithoutLocks) {
  EXPECT_NE(refused({"--secret-file=/s"}).find("--principal"), std::string::npos);
  EXPECT_NE(refused({"--principal=a:b"}).find("colon"), std::string::npos);
  EXPECT_NE(refused({"--cert-file=/c", "--master=https://h:1"}).find("--key-file"),
            std::string::npos);
  EXPECT_NE(refused({"--ca-file=/c"}).find("https://"), std::string::npos);
  EXPECT_NE(refused({"--ca-file=/c", "--master=http://h:1"}).find("https://"), std::string::npos);
  EXPECT_NE(refused({"--artifact-key-file=/k"}).find("--artifact-cert-file"), std::string::npos);
}

TEST(Options, RefuseUnknownFlagsAndArguments) {
  EXPECT_NE(refused({"--cpu=1"}).find("--cpu=1"), std::string::npos);
  EXPECT_NE(refused({"now"}).find("now"), std::string::npos);
  EXPECT_NE(refused({"--cpus"}).find("--cpus"), std::string::npos);
}

TEST(Options, TakeAZooKeeperUrl) {
  const char* url = "zk://user:password@z1:2181,z2:2181/mesos";
  EXPECT_EQ(accepted({"--master", url, "--executor-uri=/e"}).master, url);
}

TEST(Options, RefuseAZooKeeperUrlWithWhatIsWrongAndWithoutThePassword) {
  for (const char* master :
       {"zk://user:hidden@z1:2181", "zk://user:hidden@z1/m", " zk://user:hidden@z1:2181/m"}) {
    const std::string text = refused({"--master", master});
    EXPECT_NE(text.find("zk://HOST:PORT,…/PATH"), std::string::npos) << text;
    EXPECT_EQ(text.find("hidden"), std::string::npos) << text;
  }
  EXPECT_NE(refused({"--master=zk://z1:2181/"}).find("names no node"), std::string::npos);
}

TEST(Options, SayWhatHasReplacedTheFrameworkIdFile) {
  const std::string text = refused({"--master=h:1", "--framework-id-file=/var/old.id"});
  EXPECT_NE(text.find("--framework-id-file has been replaced by --state DIR"), std::string::npos);
  EXPECT_NE(text.find("/var/old.id"), std::string::npos) << text;
}

TEST(Options, RefuseCombinationsThatMakeNoSense) {
  EXPECT_NE(refused({"--teardown", "--master=h:1"}).find("--state"), std::string::npos);
  EXPECT_NE(refused({"--teardown", "--state=f"}).find("--master=local"), std::string::npos);
  EXPECT_NE(refused({"--port=1", "--master=h:1"}).find("--port"), std::string::npos);
  EXPECT_NE(refused({"--executor=/e", "--executor-uri=/e"}).find("exclude"), std::string::npos);
  EXPECT_NE(refused({"--artifact-address=1.2.3.4", "--executor-uri=/e"}).find("no use"),
            std::string::npos);
}

TEST(Options, HelpNamesEveryFlag) {
  const auto parsed = parse({"--help"});
  const Exit* help = std::get_if<Exit>(&parsed);
  ASSERT_TRUE(help);
  EXPECT_EQ(help->code, 0);
  for (const char* flag : {"--master",
                           "--port",
                           "--cpus",
                           "--mem",
                           "--content",
                           "--instances",
                           "--name",
                           "--user",
                           "--role",
                           "--hostname",
                           "--executor PATH",
                           "--executor-uri",
                           "--artifact-address",
                           "--failover-timeout",
                           "--state DIR",
                           "--teardown",
                           "--checkpoint",
                           "--seed",
                           "--log-level",
                           "--version",
                           "MESOS_MASTER",
                           "MESOS_CPP_"}) {
    EXPECT_NE(help->text.find(flag), std::string::npos) << flag;
  }
}

TEST(Options, KnowLoopbackAddresses) {
  EXPECT_TRUE(isLoopback("localhost"));
  EXPECT_TRUE(isLoopback("127.0.0.1"));
  EXPECT_TRUE(isLoopback("127.1.2.3"));
  EXPECT_TRUE(isLoopback("::1"));
  EXPECT_FALSE(isLoopback("127.example.com"));
  EXPECT_FALSE(isLoopback("10.0.0.1"));
}

}  // namespace
}  // namespace mesos::scheduler
