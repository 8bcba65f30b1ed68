// Parts of the machine of this run's own: what is done to them is seen by this process and those that it starts only.
// Who is not root gets them as root of a user namespace of its own, which a process with one thread may make. Call it
// before threads and processes are started. Thread: the caller's; others that run already stay where they are.
#pragma once

#include "common/base/status.h"

namespace flume::torture {

// Mounts. An error of the system where a machine does not allow it.
Status own_mounts();

// A network with nothing but a loopback interface, which is up.
Status own_network();
// Takes that interface away or brings it back: what is sent meanwhile reaches nobody, and nobody is told.
Status set_loopback(bool up);

}  // namespace flume::torture
