// The JSON mapping: text that is read is written and read again as the same message; a message from
// the wire as well.
#include "fuzz.hpp"
#include "protocol/json.hpp"

#include <mesos/v1/agent/agent.pb.h>
#include <mesos/v1/executor/executor.pb.h>
#include <mesos/v1/master/master.pb.h>
#include <mesos/v1/scheduler/scheduler.pb.h>

#include <memory>
#include <string>

namespace {

using mesos::fuzz::require;
namespace v1 = mesos::v1;

std::unique_ptr<google::protobuf::Message> messageOf(std::uint8_t kind) {
  switch (kind % 7) {
    case 0:
      return std::make_unique<v1::scheduler::Call>();
    case 1:
      return std::make_unique<v1::scheduler::Event>();
    case 2:
      return std::make_unique<v1::executor::Call>();
    case 3:
      return std::make_unique<v1::executor::Event>();
    case 4:
      return std::make_unique<v1::master::Call>();
    case 5:
      return std::make_unique<v1::agent::Call>();
    default:
      return std::make_unique<v1::MasterInfo>();
  }
}

/// NaN is written as null, and a null is no value: such a message loses it (fact J6).
bool losesNumbers(const std::string& json) { return json.find("null") != std::string::npos; }

void checkWritten(const google::protobuf::Message& message) {
  const std::string json = mesos::protocol::toJson(message);
  const std::unique_ptr<google::protobuf::Message> again(message.New());
  const auto read = mesos::protocol::fromJson(json, again.get());
  if (losesNumbers(json)) return;
  require(read.has_value(), "what was written is not read");
  require(mesos::protocol::toJson(*again) == json, "what was read again is written differently");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = mesos::fuzz::textOf(data, size);
  const std::uint8_t kind = mesos::fuzz::takeByte(text);
  const auto message = messageOf(kind);
  const bool isWire = (kind & 0x80) != 0;
  const int length = static_cast<int>(text.size());
  const bool read =
      isWire ? message->ParsePartialFromArray(text.data(), length) && message->IsInitialized()
             : mesos::protocol::fromJson(text, message.get()).has_value();
  if (read) checkWritten(*message);
  return 0;
}
