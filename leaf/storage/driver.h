// What a maintenance must know about the data on a node, whatever the storage is. One object for each kind of storage, shared by
// all runs and threads; state of a drain is in what it returns and in the storage itself. A failed or partial listing is an
// Error, never "nothing to do".
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/diag/result.h"
#include "base/profile/value.h"
#include "leaf/fabric/fabric.h"

namespace leaf::storage {

struct Answer {
  bool yes = false;
  std::string why;              // for people, in both cases
  base::profile::Value detail;  // counts, names of files (at most a few)
};

struct DrainRequest {
  std::string node;
  std::string idem_key;                     // names this drain in temporary files
  std::int64_t fence = 0;                   // newer than that of any earlier worker of the same drain
  bool full = true;                         // false: the data stays, the node is only taken out of the choice of targets
  base::profile::Value progress;            // what the last call returned; null at first
  std::function<base::Result<>()> may_act;  // before every effect
  std::function<base::Result<>(const base::profile::Value&)> save;  // progress worth keeping
};

struct DrainStatus {
  bool done = false;
  std::string message;
  base::profile::Value progress;  // {files, bytes, moved, moved_bytes, remaining, remaining_bytes, failed: [{name, why}]}
};

class Driver {
 public:
  virtual ~Driver() = default;
  // How much a full drain would move and whether it can end well. Reads only.
  virtual base::Result<Answer> estimate(const fabric::Node& node) = 0;
  // Begins or resumes; repeatable. drain_status does a bounded part of the work and says how far it is; call it until done.
  virtual base::Result<> drain_start(const DrainRequest& request) = 0;
  virtual base::Result<DrainStatus> drain_status(const DrainRequest& request) = 0;
  virtual base::Result<> drain_cancel(const DrainRequest& request) = 0;
  // May the node stop for a while: every file on it has a good copy in service elsewhere?
  virtual base::Result<Answer> ok_to_stop(const fabric::Node& node) = 0;
  // May its disks be destroyed: nothing is left on them?
  virtual base::Result<Answer> safe_to_destroy(const fabric::Node& node) = 0;
  // After the work: the service answers, the directories are the known ones, files are readable and whole.
  virtual base::Result<Answer> verify(const fabric::Node& node) = 0;
  // Puts it back into the choice of targets; data may flow back later.
  virtual base::Result<std::string> return_start(const fabric::Node& node) = 0;
};

using Drivers = std::map<std::string, std::shared_ptr<Driver>, std::less<>>;

// The driver that a node's storage names. Null pointer: the node holds no data that LEAF knows of. Errc::invalid: it names a
// driver that does not exist, which must not be taken for "no data".
base::Result<Driver*> driver_of(const Drivers& drivers, const fabric::Node& node);

}  // namespace leaf::storage
