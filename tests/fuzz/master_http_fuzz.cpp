// MasterHttp: a framework is subscribed and has an offer; then whatever comes.
#include "session_fuzzer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mesos::fuzz::ClusterSession session;
  session.run(mesos::fuzz::textOf(data, size));
  return 0;
}
