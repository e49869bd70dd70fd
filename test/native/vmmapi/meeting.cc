// SPDX-License-Identifier: BSD-2-Clause
// Where vCPUs wait for each other inside the kernel: vm_smp_rendezvous() and the end of a VM.
#include <algorithm>

#include "vmctx.h"

namespace imitation {

void look_in(vcpu* caller) {
  if (!caller->owes_rendezvous) return;
  caller->owes_rendezvous = false;
  caller->vm->changed.notify_all();
}

void rendezvous(vcpu* caller, Set others) {
  vmctx* const vm = caller->vm;
  for (const auto& other : vm->vcpus)
    other->owes_rendezvous |= other.get() != caller && other->active && (others & other->bit()) != 0;
  vm->changed.notify_all();
  vm->changed.wait(vm->lock, [caller, vm] {
    look_in(caller);
    return std::none_of(vm->vcpus.begin(), vm->vcpus.end(), [](const auto& other) { return other->owes_rendezvous; });
  });
}

void end_together(vcpu* caller) {
  vmctx* const vm = caller->vm;
  caller->told_end = true;
  vm->changed.notify_all();
  vm->changed.wait(vm->lock, [caller, vm] {
    look_in(caller);
    return std::all_of(vm->vcpus.begin(), vm->vcpus.end(),
                       [](const auto& other) { return other->told_end || !other->active; });
  });
}

}  // namespace imitation
