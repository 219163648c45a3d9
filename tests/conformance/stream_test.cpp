// Section 2 of the scenarios: the stream of events as bytes.
#include "conformance/environment.hpp"

#include <algorithm>
#include <cctype>

namespace mesos::conformance {
namespace {

class Stream : public Scenario {};
BOTH_ENCODINGS(Stream);

/// Takes one record off `bytes`, by hand and strictly (facts R1, R2); nullopt: not all there yet.
std::optional<std::string> takeRecord(std::string& bytes) {
  const std::size_t end = bytes.find('\n');
  if (end == bytes.npos) return std::nullopt;
  const std::string length = bytes.substr(0, end);
  if (length.empty() || length[0] == '0' ||
      !std::all_of(length.begin(), length.end(), [](unsigned char c) { return std::isdigit(c); })) {
    throw std::runtime_error("not the length of a record: '" + length + "'");
  }
  const std::size_t size = std::stoul(length);
  if (bytes.size() < end + 1 + size) return std::nullopt;
  std::string record = bytes.substr(end + 1, size);
  bytes.erase(0, end + 1 + size);
  return record;
}

TEST_P(Stream, C030_CountsTheBytesOfARecordNotItsLetters) {
  FrameworkInfo info;
  info.mutable_id()->set_value(uniqueId("Gerüst-框架-\U0001F980"));
  const std::string& id = info.id().value();
  Connection connection(master());
  connection.send(postOf("/api/v1/scheduler", GetParam(), subscribeCall(info), true));
  const auto head = connection.readHead(Timeout(5000));
  ASSERT_TRUE(head);
  ASSERT_EQ(head->status, 200);
  EXPECT_EQ(*head->headers.find("Transfer-Encoding"), "chunked");

  // A record that is miscounted by a byte spoils the head of the next one.
  std::string bytes;
  std::vector<std::string> records;
  while (records.size() < 3) {
    const auto chunk = connection.readChunk(Timeout(5000));
    ASSERT_TRUE(chunk) << "the stream ended";
    bytes += *chunk;
    while (auto record = takeRecord(bytes)) records.push_back(std::move(*record));
  }
  EXPECT_NE(records[0].find(id), std::string::npos);
  if (GetParam() == Encoding::Json) {
    for (const std::string& record : records) {
      EXPECT_EQ(record.front(), '{');
      EXPECT_EQ(record.back(), '}');
    }
    EXPECT_NE(std::find(records.begin(), records.end(), R"({"type":"HEARTBEAT"})"), records.end());
  }
}

/// Asks for the state of so many unknown tasks that the answers fill every buffer on their way.
void askForMoreThanFitsTheSockets(TestFramework& framework) {
  SchedulerCall call;
  call.set_type(SchedulerCall::RECONCILE);
  for (int i = 0; i < 2000; ++i) {
    call.mutable_reconcile()->add_tasks()->mutable_task_id()->set_value(std::string(240, 'x') +
                                                                        std::to_string(i));
  }
  for (int i = 0; i < 15; ++i) framework.send(call);
}

TEST_P(Stream, C031_IsNotHeldUpByASubscriberThatDoesNotRead) {
  TestFramework sleeper = subscribe();
  const Offer offer = sleeper.offer();
  sleeper.decline(offer, 1000 * environment().timeScale);
  askForMoreThanFitsTheSockets(sleeper);
  TestFramework reader = subscribe();
  EXPECT_EQ(reader.offer().agent_id().value(), offer.agent_id().value());
  EXPECT_EQ(get(master(), "/version").status, 200);
}

}  // namespace
}  // namespace mesos::conformance
