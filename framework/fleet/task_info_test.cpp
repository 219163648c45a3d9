#include "fleet/task_info.hpp"

#include <gtest/gtest.h>

namespace mesos::fleet {
namespace {

TaskInfo makeOne() {
  AppSpec app;
  app.content = "<p>hi</p>";
  app.executorUri = "http://127.0.0.1:4000/executor?v=1";
  Offer offer;
  offer.mutable_agent_id()->set_value("S0");
  const auto placement =
      matchOffer(app, Resources::parse("cpus:1;mem:512;ports:[31005-31006]").value(), {});
  return makeTask(app, "web-1", offer, placement.value());
}

TEST(TaskInfo, CarriesContentResourcesAndPort) {
  const TaskInfo task = makeOne();
  EXPECT_EQ(task.task_id().value(), "web-1");
  EXPECT_EQ(task.agent_id().value(), "S0");
  EXPECT_EQ(task.data(), "<p>hi</p>");
  EXPECT_EQ(Resources(task.resources()),
            Resources::parse("cpus:0.5;mem:128;ports:[31005-31005]").value());
  ASSERT_EQ(task.discovery().ports().ports_size(), 1);
  EXPECT_EQ(task.discovery().ports().ports(0).number(), 31005u);
  EXPECT_FALSE(task.has_command());
}

TEST(TaskInfo, HasAnExecutorOfItsOwnFetchedUnderOneNameWhateverTheUri) {
  const ExecutorInfo executor = makeOne().executor();
  EXPECT_EQ(executor.executor_id().value(), "web-1");
  EXPECT_EQ(executor.type(), ExecutorInfo::CUSTOM);
  EXPECT_EQ(Resources(executor.resources()), Resources::parse("cpus:0.01;mem:32").value());
  const CommandInfo& command = executor.command();
  EXPECT_FALSE(command.shell());
  EXPECT_EQ(command.value(), "./executor");
  ASSERT_EQ(command.arguments_size(), 1);
  EXPECT_EQ(command.arguments(0), "executor");
  ASSERT_EQ(command.uris_size(), 1);
  EXPECT_EQ(command.uris(0).value(), "http://127.0.0.1:4000/executor?v=1");
  EXPECT_EQ(command.uris(0).output_file(), "executor");
  EXPECT_TRUE(command.uris(0).executable());
  EXPECT_FALSE(command.uris(0).extract());
}

}  // namespace
}  // namespace mesos::fleet
