// What `scheduler --help` prints.
#pragma once

namespace mesos::scheduler {

extern const char kHelp[];

}  // namespace mesos::scheduler
