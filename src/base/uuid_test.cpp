#include "base/uuid.hpp"

#include <gtest/gtest.h>

namespace mesos {
namespace {

TEST(Uuid, IsVersionFour) {
  Random random(1);
  const std::string bytes = randomUuid(random);
  EXPECT_TRUE(isUuid(bytes));
  const std::string text = uuidText(bytes);
  ASSERT_EQ(text.size(), 36u);
  EXPECT_EQ(text[14], '4');
  EXPECT_TRUE(text[19] == '8' || text[19] == '9' || text[19] == 'a' || text[19] == 'b');
  EXPECT_EQ(text[8], '-');
  EXPECT_EQ(text[23], '-');
}

TEST(Uuid, AcceptsVersionsOneToFiveOnly) {
  std::string bytes(16, '\0');
  for (int version = 0; version < 16; ++version) {
    bytes[6] = static_cast<char>(version << 4);
    EXPECT_EQ(isUuid(bytes), version >= 1 && version <= 5) << version;
  }
  EXPECT_FALSE(isUuid(std::string(15, '\x40')));
  EXPECT_FALSE(isUuid(uuidText(std::string(16, '\x40'))));
}

}  // namespace
}  // namespace mesos
