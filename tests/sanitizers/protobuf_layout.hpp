// Included first by everything that is compiled for the thread sanitizer.
//
// Under it protobuf gives map fields a member that the compiled library, and our messages' library,
// do not have: every message with a map would be laid out in two ways.
#pragma once

#include <memory>

#pragma push_macro("__SANITIZE_THREAD__")
#undef __SANITIZE_THREAD__
#include <google/protobuf/map_field.h>
#pragma pop_macro("__SANITIZE_THREAD__")
