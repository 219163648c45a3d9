#include "local/flags.hpp"

#include "local/agent_offer.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>

namespace mesos::local {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string errorOf(const FlagValues& values) {
  Settings settings;
  const auto applied = applyFlags(values, &settings);
  return applied ? "" : applied.error().message;
}

TEST(Flags, SetWhatTheyName) {
  Settings settings;
  ASSERT_TRUE(applyFlags({{"allocation_interval", "100ms"},
                          {"offer_timeout", "2secs"},
                          {"roles", "web,db"},
                          {"root_submissions", "false"},
                          {"min_allocatable_resources", "cpus:1|mem:64;disk:1"},
                          {"max_completed_frameworks", "3"},
                          {"http_command_executor", "true"},
                          {"executor_shutdown_grace_period", "0secs"},
                          {"fetcher_cache_size", "3MB"},
                          {"fetcher_stall_timeout", "5secs"},
                          {"default_refuse_seconds", "1500ms"},
                          {"executor_environment_variables", R"({"A":"1","B":""})"}},
                         &settings));
  EXPECT_EQ(settings.master.allocationInterval, milliseconds(100));
  EXPECT_EQ(settings.master.offerTimeout, seconds(2));
  EXPECT_EQ(settings.master.roleWhitelist, (std::set<std::string>{"*", "db", "web"}));
  EXPECT_FALSE(settings.master.rootSubmissions);
  EXPECT_EQ(settings.master.minAllocatable.size(), 2u);
  EXPECT_EQ(settings.master.completedFrameworksMax, 3u);
  EXPECT_TRUE(settings.agent.httpCommandExecutor);
  EXPECT_EQ(settings.agent.executorShutdownGracePeriod, seconds(0));
  EXPECT_EQ(settings.fetcher.cacheBytesMax, 3u * 1024 * 1024);
  EXPECT_EQ(settings.fetcher.download.stallTimeout, seconds(5));
  EXPECT_EQ(settings.master.defaultRefuseSeconds, 1.5);
  EXPECT_EQ(settings.agent.executorEnvironment,
            (std::map<std::string, std::string>{{"A", "1"}, {"B", ""}}));
}

/// A file of this test's.
std::string written(const std::string& name, const std::string& content) {
  const std::string path = testing::TempDir() + "flags-" + std::to_string(::getpid()) + "-" + name;
  std::ofstream(path) << content;
  return path;
}

const char* const kCredentials =
    R"({"credentials":[{"principal":"p","secret":"s"},{"principal":"q","secret":"t"}]})";

TEST(Flags, TurnAuthenticationOnRealmByRealm) {
  using cluster::Realm;
  const std::string file = written("credentials", kCredentials);
  Settings settings;
  ASSERT_TRUE(applyFlags({{"credentials", file},
                          {"authenticate_http_frameworks", "true"},
                          {"authenticate_http_readonly", "true"},
                          {"authenticate_http_executors", "true"},
                          {"jwt_secret_key", written("key", "key\n")}},
                         &settings));
  EXPECT_EQ(settings.master.authentication.realms,
            (std::set<Realm>{Realm::MasterScheduler, Realm::MasterReadonly}));
  EXPECT_EQ(settings.agent.authentication.realms,
            (std::set<Realm>{Realm::AgentReadonly, Realm::AgentExecutor}));
  EXPECT_EQ(settings.master.authentication.credentials,
            (cluster::Credentials{{"p", "s"}, {"q", "t"}}));
  EXPECT_EQ(settings.agent.authentication.credentials.size(), 2u);
  EXPECT_EQ(settings.agent.authentication.tokenKey, "key\n");  // Every byte counts.
  // /flags shows where secrets are, not what they are.
  EXPECT_EQ(shownFlags(true, {{"credentials", file}}).at("credentials"), file);
}

TEST(Flags, AskForNoCredentialsThatNobodyCouldHave) {
  EXPECT_NE(errorOf({{"authenticate_http_frameworks", "true"}}).find("credentials"),
            std::string::npos);
  EXPECT_NE(errorOf({{"authenticate_http_executors", "true"}}), "");
  EXPECT_EQ(
      errorOf({{"credentials", "/no/such/file"}}),
      "Bad value '/no/such/file' of flag credentials: cannot read /no/such/file: No such file "
      "or directory");
  EXPECT_NE(errorOf({{"credentials", "/tmp"}}), "");
  EXPECT_NE(errorOf({{"credentials", "/dev/zero"}}), "");
  EXPECT_NE(errorOf({{"jwt_secret_key", "/dev/null"}}), "");
  const std::string mistake = errorOf({{"credentials", written("text", "p s3cret")}});
  EXPECT_NE(mistake, "");
  EXPECT_EQ(mistake.find("s3cret"), std::string::npos);
}

TEST(Flags, ShowDefaultsThatAreTheDefaults) {
  for (const bool ofMaster : {true, false}) {
    const Settings defaults;
    Settings settings;
    ASSERT_TRUE(applyFlags(shownFlags(ofMaster, {}), &settings));
    EXPECT_EQ(settings.master.allocationInterval, defaults.master.allocationInterval);
    EXPECT_EQ(settings.master.minAllocatable, defaults.master.minAllocatable);
    EXPECT_EQ(settings.master.completedTasksMax, defaults.master.completedTasksMax);
    EXPECT_EQ(settings.agent.executorRegistrationTimeout,
              defaults.agent.executorRegistrationTimeout);
    EXPECT_EQ(settings.agent.recoveryTimeout, defaults.agent.recoveryTimeout);
    EXPECT_EQ(settings.agent.switchUser, defaults.agent.switchUser);
    EXPECT_EQ(settings.agent.completedExecutorsMax, defaults.agent.completedExecutorsMax);
    EXPECT_EQ(settings.fetcher.cacheBytesMax, defaults.fetcher.cacheBytesMax);
    EXPECT_EQ(settings.fetcher.download.stallTimeout, defaults.fetcher.download.stallTimeout);
  }
  EXPECT_EQ(shownFlags(true, {{"offer_timeout", "2secs"}}).at("offer_timeout"), "2secs");
  EXPECT_EQ(shownFlags(false, {{"offer_timeout", "2secs"}}).count("offer_timeout"), 0u);
}

TEST(Flags, NameTheFlagTheValueAndWhatIsAccepted) {
  EXPECT_EQ(errorOf({{"allocation_interval", "1"}}),
            "Bad value '1' of flag allocation_interval: expected a duration such as 500ms, 5secs "
            "or 1mins");
  EXPECT_EQ(errorOf({{"heartbeat_interval", "0secs"}}),
            "Bad value '0secs' of flag heartbeat_interval: expected at least 1ms");
  EXPECT_EQ(errorOf({{"switch_user", "yes"}}),
            "Bad value 'yes' of flag switch_user: expected true or false");
  for (const char* size : {"2", "GB", "-1GB", "2gb", "99999999999TB"}) {
    EXPECT_EQ(errorOf({{"fetcher_cache_size", size}}),
              "Bad value '" + std::string(size) +
                  "' of flag fetcher_cache_size: expected a size such as 512MB or 2GB");
  }
  EXPECT_NE(errorOf({{"max_completed_frameworks", "-1"}}), "");
  EXPECT_NE(errorOf({{"roles", ""}}), "");
  EXPECT_EQ(errorOf({{"max_agent_ping_timeouts", "0"}}),
            "Bad value '0' of flag max_agent_ping_timeouts: expected a number from 1 to 1000");
  EXPECT_NE(errorOf({{"min_allocatable_resources", "cpus:x"}}), "");
  for (const char* text : {"", "{", "[]", R"({"A":1})"}) {
    EXPECT_NE(errorOf({{"executor_environment_variables", text}}), "") << text;
  }
  EXPECT_EQ(errorOf({{"no_such", "1"}}).rfind("Unknown flag 'no_such'. Known are: agent_", 0), 0u);
}

TEST(Flags, AreShortenedByTheTimeScale) {
  Settings settings;
  ASSERT_TRUE(applyFlags({{"offer_timeout", "10secs"}}, &settings));
  applyTimeScale(10, &settings);
  EXPECT_EQ(settings.master.offerTimeout, seconds(1));
  EXPECT_EQ(settings.master.heartbeatInterval, milliseconds(1500));
  EXPECT_EQ(settings.master.agentPingTimeout, milliseconds(1500));
  EXPECT_EQ(settings.master.agentReregisterTimeout, seconds(60));
  EXPECT_EQ(settings.master.defaultRefuseSeconds, 0.5);
  EXPECT_EQ(settings.agent.executorRegistrationTimeout, seconds(6));
  EXPECT_EQ(settings.agent.timeScale, 10);
  applyTimeScale(10000, &settings);
  EXPECT_EQ(settings.master.offerTimeout, milliseconds(1));
}

TEST(AgentOffer, TakesTheMachineWhereNothingIsSaid) {
  const auto detected = agentResources("", 1, "/");
  ASSERT_TRUE(detected);
  EXPECT_GE(detected->front().cpus(), 1);
  EXPECT_GT(detected->front().mem(), 0);
  EXPECT_GT(detected->front().disk(), 0);
  using Ports = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  EXPECT_EQ(detected->front().ports(), (Ports{{31000, 32000}}));
  const auto given = agentResources("cpus:3;mem(web):5", 1, "/");
  ASSERT_TRUE(given);
  EXPECT_EQ(given->front().cpus(), 3);
  EXPECT_EQ(given->front().mem(), 5);
  EXPECT_FALSE(agentResources("cpus:x", 1, "/"));
}

TEST(AgentOffer, KeepsThePortsOfAgentsApart) {
  const auto three = agentResources("cpus:1;mem:1;ports:[100-109,120-129]", 3, "/");
  ASSERT_TRUE(three);
  EXPECT_EQ(describe((*three)[0]), "cpus 1, mem 1, ports 100-109,120-129");
  EXPECT_EQ(describe((*three)[1]), "cpus 1, mem 1, ports 130-139,150-159");
  EXPECT_EQ(describe((*three)[2]), "cpus 1, mem 1, ports 160-169,180-189");
  EXPECT_FALSE(agentResources("ports:[1-30000]", 3, "/"));
  const auto many = agentResources("", 1000, "/");
  ASSERT_TRUE(many);
  EXPECT_LE(many->back().ports().back().second, 65535u);
  EXPECT_GT(many->back().ports().front().first, (*many)[998].ports().back().second);
}

TEST(AgentOffer, DescribesForPeople) {
  EXPECT_EQ(describe(*Resources::parse("cpus:0.5;mem:2048;disk:10;gpus:1;ports:[1-2]")),
            "cpus 0.5, mem 2048, gpus 1, ports 1-2");
}

TEST(AgentOffer, ReadsAttributes) {
  const auto attributes = parseAttributes("rack:r1;level:2.5;span:[1-3,5-5];url:a:b");
  ASSERT_TRUE(attributes);
  ASSERT_EQ(attributes->size(), 4u);
  EXPECT_EQ((*attributes)[0].text().value(), "r1");
  EXPECT_EQ((*attributes)[1].scalar().value(), 2.5);
  EXPECT_EQ((*attributes)[2].ranges().range(1).begin(), 5u);
  EXPECT_EQ((*attributes)[3].text().value(), "a:b");
  EXPECT_TRUE(parseAttributes("")->empty());
  for (const char* text : {"rack", "rack:", ":r1", "a:{x,y}", "a:[1-", "a:[2-1]", "a:[]"}) {
    EXPECT_FALSE(parseAttributes(text)) << text;
  }
}

}  // namespace
}  // namespace mesos::local
