#pragma once

// What the benches share: their flags, their clock of CPU time, and the JSON line of a figure.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct Options {
  bool quick = false;  // small work, to see that the output is right
  std::uint64_t seed = 1;
};

// --quick, --seed, --help. Ends the program where they are wrong.
Options readOptions(int argc, char** argv, std::string_view question);

// What a figure should be: at least or at most a limit.
struct Aim {
  enum class Of { value, ratio };
  Of of = Of::value;
  bool atLeast = true;
  double limit = 0;
};

inline Aim valueAtLeast(double limit) { return {Aim::Of::value, true, limit}; }
inline Aim valueAtMost(double limit) { return {Aim::Of::value, false, limit}; }
inline Aim ratioAtLeast(double limit) { return {Aim::Of::ratio, true, limit}; }
inline Aim ratioAtMost(double limit) { return {Aim::Of::ratio, false, limit}; }

struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
  // value divided by the peer's, of the same run
  std::optional<double> ratio = {};
  std::string peer = {};
  std::optional<Aim> aim = {};
  // Of a growth.
  std::vector<double> sizes = {};
  std::vector<double> costs = {};
};

// One line of JSON to stdout.
void print(std::string_view bench, const Options& options, const Figure& figure);

// The CPU time of this process, all threads, and of the calling thread.
std::chrono::duration<double> processCpuTime();
std::chrono::duration<double> threadCpuTime();

// Seconds of the thread's CPU that `work` takes. The median of `times` calls.
double secondsOf(int times, const std::function<void()>& work);

// How cost grows with size: the exponent of the power that fits best, at most 1.1.
void printGrowth(std::string_view bench, const Options& options, const std::string& name,
                 const std::vector<double>& sizes, const std::vector<double>& costs);

// Keeps the compiler from leaving out the work whose result nobody reads.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace bench
