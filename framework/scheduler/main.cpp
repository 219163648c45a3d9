// The `scheduler` program: web servers on a Mesos cluster, or on the one in its pocket.
#include "scheduler/options.hpp"
#include "scheduler/program.hpp"
#include "scheduler/waiter.hpp"

#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <variant>

int main(int argc, char** argv) {
  using namespace mesos::scheduler;
  const auto parsed =
      parseOptions(argc, argv, [](const char* name) -> const char* { return std::getenv(name); });
  if (const Exit* exit = std::get_if<Exit>(&parsed)) {
    std::fputs(exit->text.c_str(), exit->code == 0 ? stdout : stderr);
    return exit->code;
  }
  // The executor program is read anew for every agent that fetches it; blocks of that size go back
  // to the system at once.
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  try {
    Waiter waiter;
    return run(std::get<Options>(parsed), waiter);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "scheduler: %s\n", error.what());
    return kFailed;
  }
}
