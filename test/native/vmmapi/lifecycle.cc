// SPDX-License-Identifier: BSD-2-Clause
// VMs, their memory and their vCPU.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "cpuid.h"
#include "vmctx.h"

using namespace imitation;

namespace {

constexpr std::uint64_t low_limit = std::uint64_t{3} << 30, high_base = std::uint64_t{4} << 30;
constexpr std::uint64_t tsc_hz = 1'200'000'000;
constexpr std::uint32_t kernel_release = 1'402'000;

/// VMs that were made and not destroyed, by name.
std::map<std::string, std::unique_ptr<vmctx>>& all() {
  static std::map<std::string, std::unique_ptr<vmctx>> vms;
  return vms;
}
std::mutex all_lock;

}  // namespace

namespace imitation {
int fail(int error) {
  errno = error;
  return -1;
}
}  // namespace imitation

vmctx::vmctx(std::string given) : name(std::move(given)) {
  processor = std::make_unique<vcpu>(this);
  memory_fd = memfd_create("vm", MFD_CLOEXEC);
}

vmctx::~vmctx() {
  if (memory_fd >= 0) close(memory_fd);
}

int vm_create(const char* name) {
  const std::lock_guard guard(all_lock);
  std::unique_ptr<vmctx>& place = all()[name];
  if (place) return fail(EEXIST);
  place = std::make_unique<vmctx>(name);
  return 0;
}

vmctx* vm_open(const char* name) {
  const std::lock_guard guard(all_lock);
  const auto found = all().find(name);
  if (found != all().end()) return found->second.get();
  errno = ENOENT;
  return nullptr;
}

void vm_close(vmctx*) {}

void vm_destroy(vmctx* ctx) {
  const std::lock_guard guard(all_lock);
  const std::string name = ctx->name;  // the object goes with its entry
  all().erase(name);
}

int vm_get_device_fd(vmctx* ctx) { return ctx->memory_fd; }

int vm_setup_memory(vmctx* ctx, std::size_t len, vm_mmap_style) {
  const std::uint64_t low = std::min<std::uint64_t>(len, low_limit), high = len - low;
  if (ftruncate(ctx->memory_fd, static_cast<off_t>(high > 0 ? high_base + high : low)) != 0) return -1;
  ctx->ram.add_segment(0, low, false);
  if (high > 0) ctx->ram.add_segment(high_base, high, false);
  for (std::size_t i = 0; i < ctx->ram.segments().size(); i++)
    ctx->ram.share(i, ctx->memory_fd, ctx->ram.segments()[i].base);
  // The interpreter wants to know its memory first.
  tsbhyve::EngineOptions options;
  options.tsc_hz = tsc_hz;
  options.lapic_hz = 128 * 1024 * 1024;
  options.cpuid = cpuid_rows();
  ctx->cpu = std::make_unique<tsbhyve::soft::SoftEngine>(&ctx->ram, options);
  ctx->chips = std::make_unique<Chips>(*ctx->cpu);
  ctx->cpu->hold_time(false);  // a kernel's clocks never stand still
  return 0;
}

int vm_set_topology(vmctx*, std::uint16_t sockets, std::uint16_t cores, std::uint16_t threads, std::uint16_t) {
  return sockets * cores * threads == 1 ? 0 : fail(EINVAL);
}

int vm_suspend(vmctx* ctx, vm_suspend_how how) {
  if (ctx->ended != VM_SUSPEND_NONE) return fail(EALREADY);
  ctx->ended = how;
  return 0;
}

int vm_reinit(vmctx* ctx) {
  if (ctx->ended == VM_SUSPEND_NONE || !ctx->told_end) return fail(EBUSY);
  ctx->ended = VM_SUSPEND_NONE;
  ctx->told_end = false;
  ctx->cpu->reset();
  ctx->chips = std::make_unique<Chips>(*ctx->cpu);
  ctx->processor->active = false;
  return 0;
}

vcpu* vm_vcpu_open(vmctx* ctx, int vcpuid) {
  if (vcpuid == 0 && ctx->cpu) return ctx->processor.get();
  errno = EINVAL;
  return nullptr;
}

void vm_vcpu_close(vcpu*) {}

int vcpu_reset(vcpu* cpu) {
  cpu->next_rip.reset();
  cpu->vm->cpu->reset();
  return 0;
}

int vm_activate_cpu(vcpu* cpu) {
  if (cpu->active) return fail(EBUSY);
  cpu->active = true;
  return 0;
}

int vm_set_capability(vcpu*, vm_cap_type, int) { return 0; }
int vm_set_x2apic_state(vcpu*, x2apic_state state) { return state == X2APIC_DISABLED ? 0 : fail(EINVAL); }

int vm_suspend_cpu(vcpu* cpu) {
  if (!cpu->active) return fail(EINVAL);
  {
    const std::lock_guard guard(cpu->vm->lock);
    cpu->suspended = true;
  }
  cpu->vm->cpu->wake();
  cpu->vm->changed.notify_all();
  return 0;
}

int vm_resume_cpu(vcpu* cpu) {
  if (!cpu->suspended) return fail(EINVAL);
  cpu->suspended = false;
  return 0;
}

#pragma GCC visibility push(default)
extern "C" {

/// The system values that the engine asks for.
int sysctlbyname(const char* name, void* value, std::size_t* size, const void*, std::size_t) {
  std::uint32_t number = 0;
  if (std::strcmp(name, "machdep.tsc_freq") == 0) {
    if (*size < sizeof tsc_hz) return fail(ENOMEM);
    std::memcpy(value, &tsc_hz, *size = sizeof tsc_hz);
    return 0;
  }
  if (std::strcmp(name, "kern.osreldate") == 0)
    number = kernel_release;
  else if (std::strcmp(name, "hw.vmm.maxcpu") == 0)
    number = 1;
  else
    return fail(ENOENT);
  std::memcpy(value, &number, *size = sizeof number);
  return 0;
}

/// A real processor sees by itself that somebody has written to code.
void vmmapi_imitation_memory_written(vmctx* ctx, std::uint64_t physical, std::uint64_t length) {
  ctx->cpu->memory_written(physical, length);
}
}
#pragma GCC visibility pop
