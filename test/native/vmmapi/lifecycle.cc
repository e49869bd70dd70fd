// SPDX-License-Identifier: BSD-2-Clause
// VMs, their memory and their vCPUs.
#include <sys/mman.h>
#include <time.h>
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
/// Of the one device segment that there can be.
constexpr std::uint64_t device_memory_at = 0xf0000000, device_memory_bytes = 0x8000;
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
std::int64_t host_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * second + now.tv_nsec;
}

int fail(int error) {
  errno = error;
  return -1;
}
}  // namespace imitation

tsbhyve::soft::SoftVcpu& vcpu::core() const { return (*vm->cores)[index]; }

void vcpu::forget() {
  active = suspended = tells_starts = msr_refused = awaits_msr = dead_halt = owes_rendezvous = told_end = false;
  next_rip.reset();
  sent_init = sent_start = 0;
}

vmctx::vmctx(std::string given) : name(std::move(given)), made_at(host_now()) {
  memory_fd = memfd_create("vm", MFD_CLOEXEC);
}

imitation::Set vmctx::active() const {
  Set set = 0;
  for (const auto& cpu : vcpus) set |= cpu->active ? cpu->bit() : 0;
  return set;
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
  // The interpreter wants to know its memory first, and this too, which it then sees all the time.
  ctx->device_memory = ctx->ram.add_segment(device_memory_at, device_memory_bytes, false).host;
  tsbhyve::EngineOptions options;
  options.vcpus = ctx->sockets * ctx->cores_each * ctx->threads_each;
  options.tsc_hz = tsc_hz;
  options.lapic_hz = 128 * 1024 * 1024;
  options.cpuid = cpuid_rows(ctx->cores_each, ctx->threads_each);
  ctx->cores = std::make_unique<Cores>(&ctx->ram, options);
  ctx->chips = std::make_unique<Chips>(*ctx->cores);
  ctx->chips->pm_timer_ahead = host_now() - ctx->made_at;
  for (std::uint32_t index = 0; index < options.vcpus; index++) {
    ctx->vcpus.push_back(std::make_unique<vcpu>(ctx, index));
    ctx->vcpus.back()->power_on = registers(ctx->vcpus.back().get());
  }
  return 0;
}

void* vm_create_devmem(vmctx* ctx, int segid, const char* name, std::size_t len) {
  if (segid > VM_SYSMEM && *name && len == device_memory_bytes) return ctx->device_memory;
  errno = EINVAL;
  return MAP_FAILED;
}

namespace {
bool all_outside(const vmctx* ctx) {
  return std::none_of(ctx->vcpus.begin(), ctx->vcpus.end(), [](const auto& cpu) { return cpu->inside; });
}
}  // namespace

int vm_mmap_memseg(vmctx* ctx, vm_paddr_t gpa, int, vm_ooffset_t segoff, std::size_t len, int prot) {
  const std::lock_guard guard(ctx->lock);
  if (!all_outside(ctx)) return fail(EBUSY);
  if (ctx->device_memory_mapped || gpa != device_memory_at || segoff != 0 || len != device_memory_bytes || prot == 0)
    return fail(EINVAL);
  ctx->device_memory_mapped = true;
  return 0;
}

int vm_munmap_memseg(vmctx* ctx, vm_paddr_t gpa, std::size_t len) {
  const std::lock_guard guard(ctx->lock);
  if (!all_outside(ctx)) return fail(EBUSY);
  if (!ctx->device_memory_mapped || gpa != device_memory_at || len != device_memory_bytes) return fail(EINVAL);
  ctx->device_memory_mapped = false;
  return 0;
}

/// Before the memory here, which nobody else has to see to.
int vm_set_topology(vmctx* ctx, std::uint16_t sockets, std::uint16_t cores, std::uint16_t threads, std::uint16_t) {
  const unsigned count = 1u * sockets * cores * threads;
  if (count == 0 || count > most_vcpus || ctx->cores) return fail(EINVAL);
  ctx->sockets = sockets;
  ctx->cores_each = cores;
  ctx->threads_each = threads;
  return 0;
}

int vm_suspend(vmctx* ctx, vm_suspend_how how) {
  const std::lock_guard guard(ctx->lock);
  if (ctx->ended != VM_SUSPEND_NONE) return fail(EALREADY);
  ctx->ended = how;
  ctx->changed.notify_all();
  return 0;
}

int vm_reinit(vmctx* ctx) {
  const std::lock_guard guard(ctx->lock);
  for (const auto& cpu : ctx->vcpus) {
    if (!cpu->told_end || cpu->inside) return fail(EBUSY);
  }
  ctx->ended = VM_SUSPEND_NONE;
  ctx->awaits_start = 0;
  for (const auto& cpu : ctx->vcpus) cpu->forget();
  ctx->cores->reset();
  ctx->chips = std::make_unique<Chips>(*ctx->cores);
  ctx->chips->pm_timer_ahead = -ctx->now();
  return 0;
}

vcpu* vm_vcpu_open(vmctx* ctx, int vcpuid) {
  if (vcpuid >= 0 && static_cast<std::size_t>(vcpuid) < ctx->vcpus.size())
    return ctx->vcpus[static_cast<std::size_t>(vcpuid)].get();
  errno = EINVAL;
  return nullptr;
}

void vm_vcpu_close(vcpu*) {}

/// Its registers, but not its local APIC.
int vcpu_reset(vcpu* cpu) {
  const Frozen frozen(cpu);
  if (!frozen) return fail(EBUSY);
  cpu->next_rip.reset();
  cpu->awaits_msr = cpu->msr_refused = cpu->dead_halt = false;
  set_registers(cpu, tsbhyve::RegisterGroup::All, cpu->power_on);
  return 0;
}

int vm_activate_cpu(vcpu* cpu) {
  const std::lock_guard guard(cpu->vm->lock);
  if (cpu->active) return fail(EBUSY);
  cpu->active = true;
  return 0;
}

int vm_set_capability(vcpu* cpu, vm_cap_type cap, int val) {
  const Frozen frozen(cpu);
  if (!frozen) return fail(EBUSY);
  if (cap == VM_CAP_IPI_EXIT) cpu->tells_starts = val != 0;
  return 0;
}

int vm_set_x2apic_state(vcpu*, x2apic_state state) { return state == X2APIC_DISABLED ? 0 : fail(EINVAL); }

int vm_suspend_cpu(vcpu* cpu) {
  const std::lock_guard guard(cpu->vm->lock);
  if (!cpu->active) return fail(EINVAL);
  cpu->suspended = true;
  cpu->vm->changed.notify_all();
  return 0;
}

int vm_resume_cpu(vcpu* cpu) {
  const std::lock_guard guard(cpu->vm->lock);
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
    number = most_vcpus;
  else
    return fail(ENOENT);
  std::memcpy(value, &number, *size = sizeof number);
  return 0;
}

/// A real processor sees by itself that somebody has written to code.
void vmmapi_imitation_memory_written(vmctx* ctx, std::uint64_t physical, std::uint64_t length) {
  const std::lock_guard guard(ctx->lock);
  ctx->cores->memory_written(physical, length);
}
}
#pragma GCC visibility pop
