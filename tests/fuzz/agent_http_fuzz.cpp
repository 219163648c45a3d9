// AgentHttp: an executor with two tasks is subscribed and a command task runs; then whatever comes.
#include "session_fuzzer.hpp"

namespace {

constexpr std::string_view kLaunch =
    R"(call {"type":"ACCEPT","framework_id":{"value":"@F"},"accept":{"offer_ids":[{"value":"@O"}],)"
    R"("operations":[{"type":"LAUNCH","launch":{"task_infos":[)"
    R"({"name":"t1","task_id":{"value":"t1"},"agent_id":{"value":"@A"},"executor":{"type":"CUSTOM",)"
    R"("executor_id":{"value":"e"},"command":{"value":"x"}},"resources":[)"
    R"({"name":"cpus","type":"SCALAR","scalar":{"value":0.1}}]},)"
    R"({"name":"t2","task_id":{"value":"t2"},"agent_id":{"value":"@A"},"executor":{"type":"CUSTOM",)"
    R"("executor_id":{"value":"e"},"command":{"value":"x"}},"resources":[)"
    R"({"name":"cpus","type":"SCALAR","scalar":{"value":0.1}}]},)"
    R"({"name":"c","task_id":{"value":"c"},"agent_id":{"value":"@A"},"command":{"value":"sleep 9"},)"
    R"("resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":0.1}},)"
    R"({"name":"mem","type":"SCALAR","scalar":{"value":64}}]}]}}]}})";

constexpr std::string_view kSubscribe =
    R"(executor {"type":"SUBSCRIBE","framework_id":{"value":"@F"},"executor_id":{"value":"e"},)"
    R"("subscribe":{}})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mesos::fuzz::ClusterSession session;
  session.runStep(kLaunch);
  session.runStep(kSubscribe);
  session.run(mesos::fuzz::textOf(data, size));
  return 0;
}
