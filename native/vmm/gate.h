// SPDX-License-Identifier: BSD-2-Clause
// Where vCPUs pass on their way into the kernel, so that all come out together.
#pragma once

#include <atomic>

namespace tsbhyve::vmm {

/// The kernel lets one vCPU wait until all others have looked in, which they do each time they are entered: when a
/// guest writes to the I/O APIC, sends INIT, or ends. So none stays outside while another is inside: those that have
/// come out look in again until `anybody_inside` is false, which it then stays while the gate is shut.
class Gate {
 public:
  /// False: shut.
  bool enter() {
    inside_++;
    if (!shut_) return true;
    inside_--;
    return false;
  }
  void leave() { inside_--; }
  bool anybody_inside() const { return inside_ > 0; }
  bool is_shut() const { return shut_; }
  void shut() { shut_ = true; }
  void open() { shut_ = false; }

 private:
  std::atomic<unsigned> inside_ = 0;
  std::atomic<bool> shut_ = true;
};

}  // namespace tsbhyve::vmm
