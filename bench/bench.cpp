#include "bench/bench.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <vector>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <CLI/CLI.hpp>

namespace bench {
namespace {

std::string cpuModel() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

std::chrono::duration<double> timeOf(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

double exponent(const std::vector<double>& sizes, const std::vector<double>& costs) {
  const auto count = static_cast<double>(sizes.size());
  double x = 0, y = 0, xx = 0, xy = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double size = std::log(sizes[i]);
    const double cost = std::log(costs[i]);
    x += size / count;
    y += cost / count;
    xx += size * size / count;
    xy += size * cost / count;
  }
  return (xy - x * y) / (xx - x * x);
}

}  // namespace

Options readOptions(int argc, char** argv, std::string_view question) {
  Options options;
  CLI::App app{std::string(question)};
  app.add_flag("--quick", options.quick, "Little work: to see that the output is right");
  app.add_option("--seed", options.seed, "Of what is random")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return options;
}

void print(std::string_view bench, const Options& options, const Figure& figure) {
  rapidjson::StringBuffer text;
  rapidjson::Writer writer(text);
  const auto string = [&](const char* key, std::string_view value) {
    writer.Key(key);
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  writer.StartObject();
  string("bench", bench);
  string("name", figure.name);
  writer.Key("value");
  writer.Double(figure.value);
  string("unit", figure.unit);
  if (figure.ratio) {
    writer.Key("ratio");
    writer.Double(*figure.ratio);
    string("peer", figure.peer);
  }
  if (figure.aim) {
    string("aim_of", figure.aim->of == Aim::Of::ratio ? "ratio" : "value");
    writer.Key(figure.aim->atLeast ? "at_least" : "at_most");
    writer.Double(figure.aim->limit);
  }
  const auto list = [&](const char* key, const std::vector<double>& values) {
    if (values.empty()) return;
    writer.Key(key);
    writer.StartArray();
    for (const double value : values) writer.Double(value);
    writer.EndArray();
  };
  list("sizes", figure.sizes);
  list("costs", figure.costs);
  writer.Key("seed");
  writer.Uint64(options.seed);
  writer.Key("quick");
  writer.Bool(options.quick);
  string("cpu", cpuModel());
  string("compiler", "GCC " __VERSION__);
  writer.EndObject();
  std::puts(text.GetString());
  std::fflush(stdout);
}

std::chrono::duration<double> processCpuTime() { return timeOf(CLOCK_PROCESS_CPUTIME_ID); }
std::chrono::duration<double> threadCpuTime() { return timeOf(CLOCK_THREAD_CPUTIME_ID); }

double secondsOf(int times, const std::function<void()>& work) {
  std::vector<double> taken;
  for (int i = 0; i < times; ++i) {
    const auto before = threadCpuTime();
    work();
    taken.push_back((threadCpuTime() - before).count());
  }
  std::nth_element(taken.begin(), taken.begin() + times / 2, taken.end());
  return taken[static_cast<std::size_t>(times / 2)];
}

void printGrowth(std::string_view bench, const Options& options, const std::string& name,
                 const std::vector<double>& sizes, const std::vector<double>& costs) {
  print(bench, options,
        {.name = name + ": growth, exponent",
         .value = exponent(sizes, costs),
         .unit = "",
         .aim = valueAtMost(1.1),
         .sizes = sizes,
         .costs = costs});
}

}  // namespace bench
