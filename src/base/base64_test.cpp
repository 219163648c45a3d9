#include "base/base64.hpp"

#include <gtest/gtest.h>

namespace mesos {
namespace {

TEST(Base64, EncodesWithPadding) {
  EXPECT_EQ(encodeBase64(""), "");
  EXPECT_EQ(encodeBase64("f"), "Zg==");
  EXPECT_EQ(encodeBase64("fo"), "Zm8=");
  EXPECT_EQ(encodeBase64("foo"), "Zm9v");
  EXPECT_EQ(encodeBase64(std::string("\0\xff\xfe", 3)), "AP/+");
}

TEST(Base64, DecodesWhatItEncoded) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    bytes += static_cast<char>(i * 7);
    EXPECT_EQ(decodeBase64(encodeBase64(bytes)), bytes);
  }
}

TEST(Base64, IgnoresWhiteSpaceAndMissingPadding) {
  EXPECT_EQ(decodeBase64(" Zm 9v\n"), "foo");
  EXPECT_EQ(decodeBase64("Zg"), "f");
  EXPECT_EQ(decodeBase64("Zm8"), "fo");
}

TEST(Base64, RefusesTheUrlAlphabetAndStrayText) {
  EXPECT_FALSE(decodeBase64("AP_-"));
  EXPECT_FALSE(decodeBase64("Zm9v!"));
  EXPECT_FALSE(decodeBase64("Zg==Zg=="));
  EXPECT_FALSE(decodeBase64("Z"));
  EXPECT_FALSE(decodeBase64("Zm9v="));
}

}  // namespace
}  // namespace mesos
