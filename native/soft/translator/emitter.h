// SPDX-License-Identifier: BSD-2-Clause
// Makes the code of one region. The families (integer.cc, move.cc, ...) emit instructions with what stands here.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "soft/translator/homes.h"
#include "soft/translator/places.h"
#include "soft/translator/thunks.h"

namespace tsbhyve::soft {

/// What is known where the next piece of code goes.
struct CodeState {
  FlagRecipe flags;
  u32 host = 0;             // status flags that the host's have right
  bool uncaptured = false;  // the recipe wants the host's flags captured, which is still to be done
  bool sse_ready = false;   // no SSE instruction faults for the sake of CR0 and CR4
  u32 vectors = 0;          // bit n: the home of the guest's XMM n has its value, as its slot has
  u32 pending = 0;          // instructions of earlier blocks that the budget does not know of
  Places places;            // what is known of memory
  u32 next_place = 0;       // the one that is given up for another
};

/// As many moves as a region has instructions add up to less than a FlagSource can say.
inline constexpr i32 longest_move = 1 << 20;
static_assert(i64{max_region_instructions} * longest_move < INT32_MAX);

class Emitter {
 public:
  using Gp = asmjit::x86::Gp;
  using Mem = asmjit::x86::Mem;
  using Label = asmjit::Label;
  using Xmm = asmjit::x86::Xmm;
  using MakeCode = std::function<void()>;

  Emitter(asmjit::CodeHolder* code, const Thunks& thunks, Region* region, Plan& plan, bool has_bmi2)
      : a(code),
        thunks_(thunks),
        region_(region),
        plan_(plan),
        has_bmi2_(has_bmi2),
        homes_(choose_homes(plan)),
        labels_(plan.size()) {}

  /// Emits everything. False when something cannot be expressed.
  bool emit_region();

  asmjit::x86::Assembler a;
  CodeState now;

  // The instruction in hand.
  const Instruction* instruction = nullptr;
  const Op* op = nullptr;
  Block* block = nullptr;
  u32 position = 0;
  bool live_after = false;

  // --- registers (emitter_registers.cc)
  bool has_home(u8 guest) const { return homes_.of[guest] != host_code::in_memory; }
  Gp home(u8 guest) const { return asmjit::x86::gpq(homes_.of[guest]); }
  /// Host register with a guest register's value, perhaps brought to `spare` for that.
  Gp value_of(u8 guest, u32 size, const Gp& spare);
  /// The same for a register operand, AH .. BH included (those change the host's flags).
  Gp value_of(const Operand& operand, const Gp& spare);
  /// What a host instruction can take as its second operand: a register, a slot or an immediate.
  asmjit::Operand source_of(const Operand& operand);
  /// Register to work in, perhaps t1, for an instruction that changes `operand`; keep() then puts it where it belongs.
  Gp begin_change(const Operand& operand, bool needs_old = true);
  void keep(const Operand& operand, const Gp& working);
  /// To be called before a guest register gets a value that has nothing to do with its old one, where the flags live
  /// on.
  void overwrite(u8 guest);
  /// The same where it moves by a constant, of `longest_move` at most.
  void moved(u8 guest, i32 by);

  // --- XMM registers (emitter_vectors.cc)
  /// Host register with a guest register's value: its home, or `spare`.
  Xmm vector_of(u8 guest, const Xmm& spare);
  /// Register for a value that has nothing to do with the guest register's old one.
  static Xmm vector_for(u8 guest);
  /// `working`, which either of these gave for it, becomes the guest register's value. It lies in memory at all times.
  void keep_vector(u8 guest, const Xmm& working);

  // --- memory (emitter_memory.cc)
  using MakeValue = std::function<asmjit::Operand()>;
  /// Whether address() can express the memory operand.
  bool can_address() const;
  /// t0 = linear address of the memory operand.
  void address();
  /// t0 = value at t0, zero-extended; or `into` = value.
  void load(u32 size, u8 segment, const Gp* into = nullptr);
  /// What `make` brings (a home register, an immediate, or t1; it must leave t0 alone) goes to t0. Emitted twice.
  void store(u32 size, u8 segment, const MakeValue& make);
  /// The same for the memory operand, which address() can express, wherever it is found (emitter_places.cc).
  void load_operand(u32 size, const Gp* into = nullptr);
  void store_operand(u32 size, const MakeValue& make);
  /// Reads, changes and writes it: `change` is emitted twice and works on t1, which has the new value afterwards.
  void update_operand(u32 size, const MakeCode& change);
  /// Host address of `size` bytes at t0, in t0, for an instruction that tier 1's handler does where the fast table does
  /// not serve it: finish() comes after all that the instruction does.
  Mem direct(u32 size, bool write, bool aligned);
  Mem direct_operand(u32 size, bool write, bool aligned);
  /// With flags: the host has then the flags that the instruction leaves, whoever has done it.
  void finish_direct(bool with_flags = false);
  /// The same for a row of instructions that is done at once: tier 1 does them one by one, at these sites.
  void finish_row(std::vector<const Site*> sites, bool with_flags = false);
  /// Begins an instruction that uses direct(); SSE instructions go to tier 1 when they may not run as they are.
  void begin_direct() { direct_slow_ = a.newLabel(); }
  void begin_sse(bool is_float);
  /// Where the instruction that uses direct() goes to be done by tier 1.
  const Label& direct_slow() const { return direct_slow_; }
  const Site* site(u32 size, u8 segment);

  // --- flags (emitter_flags.cc, flags_to_memory.cc)
  /// Something that changes the host's flags comes next.
  void clobber();
  /// The instruction just emitted has written all flags, and the host has those of `host` as tier 1 defines them.
  void set_flags(FlagOrigin origin, u32 size, u32 host = status_flags & ~flag_af);
  /// It has written some. To be announced before it is emitted.
  void prepare_overlay(FlagOverlay overlay);
  void set_overlay(FlagOverlay overlay, u32 size);
  /// The same, if anybody will look at them.
  void leave_flags(FlagOrigin origin, u32 size) { live_after ? set_flags(origin, size) : drop_flags(); }
  void leave_overlay(FlagOverlay overlay, u32 size) { live_after ? set_overlay(overlay, size) : drop_flags(); }
  /// Nobody will look at the flags.
  void drop_flags() { now.flags = {}, now.host = 0, now.uncaptured = false; }
  FlagRecipe& flags() { return now.flags; }
  static FlagSource in_register(u8 guest) { return {FlagSource::Kind::Register, guest, 0}; }
  static FlagSource constant(u64 value) { return {FlagSource::Kind::Constant, 0, static_cast<i32>(value)}; }
  static FlagSource saved() { return {FlagSource::Kind::Saved, 0, 0}; }
  /// The host's condition that holds when the guest's does, or nothing. Uses t0 and t1.
  std::optional<u8> condition(u8 guest_condition);
  /// The same whatever has become of the flags: C++ computes them where nothing else is left.
  u8 certain_condition(u8 guest_condition);
  bool has_condition(u8 guest_condition) const;
  bool has_carry() const;
  void carry_to_host();
  void flags_to_memory();

  // --- flow (emitter_flow.cc, emitter_calls.cc)
  void cold(MakeCode emit) { cold_.push_back(std::move(emit)); }
  void call(u64 thunk, const Site* with);
  /// From cold code that has called C++: with these XMM registers in their homes.
  void return_to(const Label& back, u32 vectors);
  /// Tier 1's handler does the instruction in hand.
  void run_operation();
  const Site* operation_site();
  /// Host copies for REP MOVS or REP STOS; tier 1 does what they cannot.
  void run_string(bool moves);
  /// Tier 1 goes on with the instruction in hand.
  void leave_to_operation();
  /// Goes on with the target of a direct branch; what follows is not reached.
  void follow(const Link* link, int to);
  /// Goes to the block at the linear address in t0, as far as the jump cache knows it, after `before`; else it leaves:
  /// tier 1 does all of the instruction in hand.
  void jump_indirect(const MakeCode& before);
  /// The same for a RET that takes the address alone from the stack: it goes on behind the last call that has left a
  /// frame (thunks.h) where that is to return to the address.
  void return_to_caller();
  /// After all of a CALL but the jump, to the target of its link or to t0. What follows is not reached.
  void call_direct();
  void call_indirect();
  /// The address behind the instruction in hand.
  void return_address(const Gp& into);

 private:
  void emit_from(size_t index);
  bool emit_instructions(PlannedBlock& planned);
  int emit_end(PlannedBlock& planned);
  void begin_header(size_t index);
  void stop_short_of(size_t header);
  u32 longest_from(size_t index) const;
  Site here(u32 size, u8 segment);
  Exit* new_exit(Exit::Kind kind);
  const FlagRecipe* kept_flags();
  void borrow_homes();
  void give_homes_back();
  void emit_calls();
  void leave(const Exit* by);
  void pay();
  const Exit* pay_for_indirect(Exit::Kind kind, const Label& unknown);
  void look_up(const MakeCode& before, const Label& unknown, const Label* back = nullptr);
  void go_outside(const Link* link, const Label& out, const Label* back = nullptr);
  void note_call(const Label& back);
  void come_back(const Label& back);
  void fetch(const FlagSource& source, size_t saved, const Gp& into);
  Gp fetched(const FlagSource& source, size_t saved, const Gp& spare);
  void capture();
  void base_to_host();
  void count_to_host();
  void count_to_memory();
  u8 captured_condition(size_t image, u8 guest_condition);
  void eager_to_memory();
  void lazy_to_memory();
  void store_lazy(size_t to, const FlagSource& source, size_t saved);
  struct Reach {
    size_t index;  // of the place
    bool is_new;   // it has not been looked up yet
    Nearby operand;
  };
  std::optional<Reach> reach(u32 size, bool write);
  Mem find(u32 size, bool write, const Label& slow);
  Mem find_operand(u32 size, bool write, const Label& slow);
  Mem go_to(const Reach& reach, u32 size, bool write, const Label& slow);
  void address_near(u8 base, i32 at);
  void load_from(const Mem& from, u32 size, const Label& slow, const Site* at, const Gp* into);
  void store_to(const Mem& to, const Label& slow, const Site* at, const MakeValue& make);
  void update_at(const Mem& value, u32 size, const Label& slow, const Site* at, const MakeCode& change);
  Mem tag(bool write) const;
  void probe(u32 size, bool write, bool aligned, const Label& slow);
  void miss(const Label& slow, bool write);
  void to_host();

  struct Waiting {
    size_t index;
    CodeState state;
    Label label;
  };

  const Thunks& thunks_;
  Region* region_;
  Plan& plan_;
  const bool has_bmi2_;
  const Homes homes_;
  std::vector<Label> labels_;
  std::vector<bool> emitted_;
  std::vector<Waiting> waiting_;
  std::vector<MakeCode> cold_;
  const PlannedBlock* planned_ = nullptr;  // where the instruction in hand is
  std::map<u64, Label> calls_;             // by thunk, where homes are lent
  Label direct_slow_;
  const FlagRecipe* last_kept_ = nullptr;
};

/// Emits the instruction in hand and those behind it that are done at once with it, and tells how many; 0: nothing.
u32 translate_row(Emitter& e, const PlannedBlock& planned);
/// Emits one instruction, or says that tier 1's handler has to do it and has emitted nothing then.
bool translate(Emitter& e);
/// The same for one that ends its block; false: tier 1 has to do it.
bool translate_branch(Emitter& e, const PlannedBlock& planned);

}  // namespace tsbhyve::soft
