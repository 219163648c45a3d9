#include "cluster/fault.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mesos::cluster {
namespace {

using Kind = Fault::Kind;

Result<Fault> parse(const std::string& body) {
  protocol::Request request;
  request.body = body;
  return parseFault(request);
}

TEST(Fault, IsReadFromAFormAndFromJson) {
  for (const char* body : {"fault=partition-agent&agent=2&for=30secs",
                           R"({"fault":"partition-agent","agent":2,"for":"30secs"})",
                           R"( {"for":"30000ms","agent":"2","fault":"partition-agent"})"}) {
    const auto fault = parse(body);
    ASSERT_TRUE(fault) << body << ": " << fault.error().message;
    EXPECT_EQ(fault->kind, Kind::PartitionAgent);
    EXPECT_EQ(fault->agent, 2u);
    EXPECT_EQ(fault->duration, std::chrono::seconds(30));
  }
}

TEST(Fault, KnowsEachKind) {
  EXPECT_EQ(parse("fault=failover-master")->kind, Kind::FailoverMaster);
  EXPECT_EQ(parse("fault=restart-agent&agent=0")->kind, Kind::RestartAgent);
  EXPECT_EQ(parse("fault=kill-agent&agent=0")->kind, Kind::KillAgent);
  EXPECT_EQ(parse("fault=remove-agent&agent=0")->kind, Kind::RemoveAgent);
  EXPECT_EQ(parse("fault=slow-network&for=100ms")->kind, Kind::SlowNetwork);
  EXPECT_EQ(parse("fault=cut-connections")->kind, Kind::CutConnections);
}

TEST(Fault, IsRefusedWithASentence) {
  const std::pair<const char*, const char*> table[] = {
      {"",
       "'fault' is missing. Known are: cut-connections fail-leader failover-master "
       "kill-agent partition-agent remove-agent restart-agent slow-network"},
      {"fault=flood",
       "Unknown fault 'flood'. Known are: cut-connections fail-leader failover-master "
       "kill-agent partition-agent remove-agent restart-agent slow-network"},
      {"fault=kill-agent", "kill-agent needs an 'agent', counted from 0"},
      {"fault=failover-master&agent=0", "failover-master is not about one agent"},
      {"fault=kill-agent&agent=-1", "'agent' is '-1', not a number counted from 0"},
      {"fault=kill-agent&agent=x", "'agent' is 'x', not a number counted from 0"},
      {"fault=kill-agent&agent=0&for=1secs", "kill-agent takes no duration"},
      {"fault=partition-agent&agent=0",
       "partition-agent needs a duration in 'for', such as 500ms or 30secs"},
      {"fault=slow-network&for=long", "'for' is 'long', not a duration such as 500ms or 30secs"},
      {"fault=slow-network&for=-1secs",
       "'for' is '-1secs', not a duration such as 500ms or 30secs"},
      {"fault=kill-agent&agnet=0", "Unknown field 'agnet'. Known are: fault agent for"},
      {"fault=%zz", "The body is no form"},
      {"{", "The body is no JSON object"},
      {R"({"fault":["x"]})", "'fault' is neither a text nor a number from 0 on"},
  };
  for (const auto& [body, sentence] : table) {
    const auto fault = parse(body);
    ASSERT_FALSE(fault) << body;
    EXPECT_EQ(fault.error().message, sentence);
  }
}

}  // namespace
}  // namespace mesos::cluster
