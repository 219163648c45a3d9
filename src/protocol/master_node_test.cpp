#include "protocol/master_node.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

namespace mesos::protocol {
namespace {

using Names = std::vector<std::string>;

v1::MasterInfo info(std::uint32_t ip, std::uint32_t port) {
  v1::MasterInfo master;
  master.set_id("m");
  master.set_ip(ip);
  master.set_port(port);
  return master;
}

// Scenario 164, facts Z5-Z7.
TEST(MasterNode, TheSmallestNumberLeadsWhateverItsLabel) {
  EXPECT_EQ(
      mastersOf({"info_0000000007", "json.info_0000000005", "json.info_0000000009", "log_replicas",
                 "0000000003"}),
      (Names{"0000000003", "json.info_0000000005", "info_0000000007", "json.info_0000000009"}));
  EXPECT_EQ(mastersOf({"json.info_10", "info_9"}), (Names{"info_9", "json.info_10"}));
  // Whoever looks, in whatever order they are told, finds the same first one.
  EXPECT_EQ(mastersOf({"json.info_1", "info_1"}), (Names{"info_1", "json.info_1"}));
}

TEST(MasterNode, WhatIsNoMasterIsSkipped) {
  EXPECT_EQ(mastersOf({"log_replicas", "", "json.info_", "json.info_1x", "json.info_-1", "x_1",
                       "json.info_99999999999999999999", "info_ 1"}),
            Names{});
}

// Scenario 165, fact Z11.
TEST(MasterNode, AnIpIsInNetworkByteOrder) {
  EXPECT_EQ(addressOf(info(83886090, 5050)).value(), (Address{"10.0.0.5", 5050}));
  EXPECT_EQ(addressOf(info(16777343, 7050)).value(), (Address{"127.0.0.1", 7050}));
}

// Scenario 165, fact Z11.
TEST(MasterNode, TheAddressIsPreferredThenThePidThenTheIp) {
  v1::MasterInfo master = info(83886090, 5050);
  master.set_hostname("name");
  master.set_pid("master@10.0.0.6:5051");
  EXPECT_EQ(addressOf(master).value(), (Address{"10.0.0.6", 5051}));
  master.mutable_address()->set_ip("10.0.0.7");
  master.mutable_address()->set_port(5052);
  EXPECT_EQ(addressOf(master).value(), (Address{"10.0.0.7", 5052}));
  master.mutable_address()->clear_ip();
  EXPECT_EQ(addressOf(master).value(), (Address{"10.0.0.6", 5051}));
  master.set_pid("master");
  EXPECT_EQ(addressOf(master).value(), (Address{"10.0.0.5", 5050}));
  master.set_ip(0);
  EXPECT_EQ(addressOf(master).value(), (Address{"name", 5050}));
}

TEST(MasterNode, AMasterThatIsNowhereIsRefused) {
  EXPECT_FALSE(addressOf(info(0, 5050)));
  EXPECT_FALSE(addressOf(info(83886090, 0)));
  EXPECT_FALSE(addressOf(info(83886090, 65536)));
}

// What a node says comes to stand in a Host header and in the log.
TEST(MasterNode, WhatIsNoAddressIsNotTakenForOne) {
  v1::MasterInfo master = info(83886090, 5050);
  master.mutable_address()->set_ip("10.0.0.7\r\nX: y");
  master.mutable_address()->set_port(5052);
  EXPECT_EQ(addressOf(master).value(), (Address{"10.0.0.5", 5050}));
  master.set_ip(0);
  master.set_hostname("user@name");
  EXPECT_FALSE(addressOf(master));
}

// Facts Z5, Z7.
TEST(MasterNode, IsReadByItsLabel) {
  v1::MasterInfo master = info(83886090, 5051);
  EXPECT_EQ(readMasterNode("info_0000000001", master.SerializeAsString()).value().port(), 5051u);
  EXPECT_EQ(readMasterNode("json.info_0000000001", R"({"id":"m","ip":83886090,"port":5051})")
                .value()
                .SerializeAsString(),
            master.SerializeAsString());
  const auto text = readMasterNode("0000000001", "master@10.0.0.5:5051");
  ASSERT_TRUE(text);
  EXPECT_EQ(addressOf(*text).value(), (Address{"10.0.0.5", 5051}));
}

TEST(MasterNode, DataThatIsNoMasterInfoIsRefusedWithTheReason) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"json.info_1", ""},
      {"json.info_1", "{"},
      {"json.info_1", R"({"id":"m"})"},
      {"json.info_1", R"({"id":"m","ip":0,"port":1})"},
      {"info_1", "\xff\xff"},
      {"info_1", ""},
      {"1", "log-replica(1)"},
      {"log_replicas", R"({"id":"m","ip":83886090,"port":5051})"},
  };
  for (const auto& [name, data] : mistakes) {
    const auto read = readMasterNode(name, data);
    ASSERT_FALSE(read) << name << " " << data;
    EXPECT_NE(read.error().message.find(name), std::string::npos);
  }
}

// Nodes of a real Mesos: path with '/' written as "__", to content.
std::map<std::string, std::string> recordedNodes(const std::string& group) {
  std::map<std::string, std::string> nodes;
  const std::filesystem::path folder = std::string(MESOS_TRACES) + "/zookeeper/" + group;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".data") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    nodes[entry.path().stem()] = {std::istreambuf_iterator<char>(file), {}};
  }
  return nodes;
}

// Fact Z10.
TEST(MasterNode, ReadsAndWritesWhatARealMasterWrote) {
  std::size_t masters = 0;
  for (const char* group : {"three-masters", "after-leader-gone"}) {
    for (const auto& [name, data] : recordedNodes(group)) {
      if (name.find("json.info_") == name.npos) continue;
      const auto read = readMasterNode(name.substr(name.find("__") + 2), data);
      ASSERT_TRUE(read) << name << ": " << read.error().message;
      EXPECT_EQ(writeMasterNode(*read), data);
      EXPECT_EQ(addressOf(*read)->host, "127.0.0.1");
      ++masters;
    }
  }
  EXPECT_EQ(masters, 5u);
}

TEST(MasterNode, TheRecordedLeaderIsTheFirst) {
  const Names children = {"json.info_0000000003", "json.info_0000000001", "json.info_0000000002",
                          "log_replicas"};
  EXPECT_EQ(mastersOf(children).front(), "json.info_0000000001");
}

}  // namespace
}  // namespace mesos::protocol
