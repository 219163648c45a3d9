// Judges a cluster by what it says over HTTP: conformance --master=HOST:PORT.
#include "conformance/environment.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace mesos::conformance {

Environment& environment() {
  static Environment instance;
  return instance;
}

Timeout scaled(double seconds) {
  return Timeout(static_cast<Timeout::rep>(seconds * 1000 / environment().timeScale));
}

namespace {

constexpr char kUsage[] =
    "usage: conformance --master=HOST:PORT [--time-scale=X] [--has=FLAG=VALUE]... [--gtest_...]\n"
    "  --master      the cluster to judge: one agent that is reachable from here (cpus:2;mem:2048\n"
    "                and ports at the least), used by nobody else meanwhile\n"
    "  --time-scale  by how much its long constants are shortened (default 1)\n"
    "  --has         a flag it was started with; scenarios that need one are skipped without it\n"
    "  --gtest_filter=PATTERN, --gtest_list_tests: choose scenarios; their names begin with the\n"
    "                number of the scenario and say what must hold\n";

bool readArgument(const std::string& argument) {
  const std::size_t equals = argument.find('=');
  const std::string name = argument.substr(0, equals);
  const std::string value = equals == argument.npos ? "" : argument.substr(equals + 1);
  if (name == "--master") {
    const auto address = protocol::parseAddress(value);
    if (address) environment().master = *address;
    return address.has_value();
  }
  if (name == "--time-scale") {
    environment().timeScale = std::strtod(value.c_str(), nullptr);
    return environment().timeScale > 0;
  }
  if (name == "--has") {
    const std::size_t middle = value.find('=');
    environment().has[value.substr(0, middle)] =
        middle == value.npos ? "" : value.substr(middle + 1);
    return !value.empty();
  }
  return false;
}

}  // namespace
}  // namespace mesos::conformance

int main(int argc, char** argv) {
  using namespace mesos::conformance;
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (!readArgument(argv[i])) {
      std::fputs(kUsage, stderr);
      return 2;
    }
  }
  if (environment().master.port == 0 && !GTEST_FLAG_GET(list_tests)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  return RUN_ALL_TESTS();
}
