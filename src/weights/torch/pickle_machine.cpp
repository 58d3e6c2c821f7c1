#include "weights/torch/pickle_machine.h"

#include <algorithm>
#include <cstring>

#include "weights/torch/pickle_opcodes.h"

namespace spikesink::detail {
namespace {

using Value = PickleValue;

// Limits that keep time and memory proportional to the size of the pickle. torch.save writes some
// 150 bytes and 20 values for a tensor, and at most about 2000 values are open at a time.
constexpr uint64_t kMostPickleBytes = 64 << 20;
constexpr size_t kMostOpen = 1 << 16;
constexpr uint32_t kMostDimensions = 16;
constexpr uint32_t kMostKeyBytes = 64;

constexpr const char* kSaveAlone =
    "nothing was executed; save the state dict alone: torch.save(model.state_dict(), file)";

class Machine {
 public:
  explicit Machine(PickleObjects& made) : made_(made), cursor_(made.cursor) {}

  Value run() {
    check_protocol();
    // An item takes at least one byte of the pickle, and what is reserved but not used costs
    // nothing. A vector that grows would take up to three times the memory for a moment.
    made_.items.reserve(cursor_.left());
    while (true) {
      const uint8_t opcode = cursor_.opcode();
      if (opcode == static_cast<uint8_t>(Opcode::kStop)) break;
      step(opcode);
      if (stack_.size() + marks_.size() > kMostOpen)
        cursor_.fail("too many values are open at once, as in deep nesting: got more than {}",
                     kMostOpen);
    }
    if (stack_.size() != 1 || !marks_.empty() || cursor_.left() != 0) {
      cursor_.fail("the pickle ends with {} values and {} more bytes, expected 1 and 0",
                   stack_.size(), cursor_.left());
    }
    return stack_.front();
  }

 private:
  void check_protocol() {
    if (cursor_.left() > kMostPickleBytes)
      cursor_.fail("the pickle is too large: got {} bytes, expected at most {}", cursor_.left(),
                   kMostPickleBytes);
    const uint8_t opcode = cursor_.opcode();
    if (opcode != static_cast<uint8_t>(Opcode::kProto))
      cursor_.fail("the pickle begins with {}, expected PROTO", opcode_name(opcode));
    const auto protocol = cursor_.number<uint8_t>();
    if (protocol < 2 || protocol > 5)
      cursor_.fail("the pickle's protocol: got {}, expected 2 to 5", protocol);
  }

  void step(uint8_t byte) {
    const auto opcode = static_cast<Opcode>(byte);
    if (plain_value(opcode) || text(opcode) || tuple(opcode) || container(opcode) || memo(opcode) ||
        object(opcode))
      return;
    cursor_.fail("the pickle has the opcode {}, which a state dict does not need; {}",
                 opcode_name(byte), kSaveAlone);
  }

  bool plain_value(Opcode opcode) {
    switch (opcode) {
      case Opcode::kNone:
        push({Value::kNone});
        return true;
      case Opcode::kTrue:
      case Opcode::kFalse:
        push({Value::kBoolean});
        return true;
      case Opcode::kBinInt:
        return push_integer(cursor_.number<int32_t>());
      case Opcode::kBinInt1:
        return push_integer(cursor_.number<uint8_t>());
      case Opcode::kBinInt2:
        return push_integer(cursor_.number<uint16_t>());
      case Opcode::kLong1:
        return push_integer(long_integer());
      case Opcode::kBinFloat:
        cursor_.take(sizeof(double));
        push({Value::kReal});
        return true;
      default:
        return false;
    }
  }

  bool text(Opcode opcode) {
    switch (opcode) {
      case Opcode::kShortBinUnicode:
        return push_text(cursor_.number<uint8_t>());
      case Opcode::kBinUnicode:
        return push_text(cursor_.number<uint32_t>());
      case Opcode::kBinUnicode8:
        return push_text(cursor_.number<uint64_t>());
      default:
        return false;
    }
  }

  bool tuple(Opcode opcode) {
    switch (opcode) {
      case Opcode::kMark:
        marks_.push_back(stack_.size());
        return true;
      case Opcode::kEmptyTuple:
        return push_tuple(0);
      case Opcode::kTuple1:
        return push_tuple(1);
      case Opcode::kTuple2:
        return push_tuple(2);
      case Opcode::kTuple3:
        return push_tuple(3);
      case Opcode::kTuple:
        return push_tuple(since_mark());
      default:
        return false;
    }
  }

  bool container(Opcode opcode) {
    switch (opcode) {
      case Opcode::kEmptyDict:
        push({Value::kDict, 0, dicts_++});
        return true;
      case Opcode::kEmptyList:
        push({Value::kList});
        return true;
      case Opcode::kAppend:
        return append(1);
      case Opcode::kAppends:
        return append(since_mark());
      case Opcode::kSetItem:
        return set_items(2);
      case Opcode::kSetItems:
        return set_items(since_mark());
      default:
        return false;
    }
  }

  bool memo(Opcode opcode) {
    switch (opcode) {
      case Opcode::kBinPut:
        return put(cursor_.number<uint8_t>());
      case Opcode::kLongBinPut:
        return put(cursor_.number<uint32_t>());
      case Opcode::kMemoize:
        return put(memo_.size());
      case Opcode::kBinGet:
        return get(cursor_.number<uint8_t>());
      case Opcode::kLongBinGet:
        return get(cursor_.number<uint32_t>());
      default:
        return false;
    }
  }

  bool object(Opcode opcode) {
    switch (opcode) {
      case Opcode::kGlobal: {
        const auto module = cursor_.line();
        return push_global(module, cursor_.line());
      }
      case Opcode::kStackGlobal: {
        const auto name = made_.text_of(pop(), "the name of a global");
        return push_global(made_.text_of(pop(), "the module of a global"), name);
      }
      case Opcode::kReduce:
        return reduce();
      case Opcode::kBuild:
        return build();
      case Opcode::kBinPersId:
        return push_storage();
      case Opcode::kFrame:
        return check_frame();
      default:
        return false;
    }
  }

  // -- the stack

  void push(Value value) { stack_.push_back(value); }

  /// Fails unless so many values lie above the last mark.
  void require(size_t values) const {
    const size_t open = stack_.size() - (marks_.empty() ? 0 : marks_.back());
    if (open < values)
      cursor_.fail("the pickle's stack has {} values, expected at least {}", open, values);
  }

  Value pop() {
    require(1);
    const Value value = stack_.back();
    stack_.pop_back();
    return value;
  }

  const Value& top() const {
    require(1);
    return stack_.back();
  }

  /// Removes the last mark and returns how many values lie above it.
  size_t since_mark() {
    if (marks_.empty()) cursor_.fail("the pickle's stack has no mark");
    const size_t count = stack_.size() - marks_.back();
    marks_.pop_back();
    return count;
  }

  // -- values

  bool push_integer(int64_t value) {
    push({Value::kInteger, 0, value});
    return true;
  }

  int64_t long_integer() {
    const auto bytes = cursor_.number<uint8_t>();
    if (bytes > sizeof(int64_t))
      cursor_.fail("an integer is too large: got {} bytes, expected at most 8", bytes);
    const std::string_view text = cursor_.take(bytes);
    const bool negative = !text.empty() && static_cast<int8_t>(text.back()) < 0;
    int64_t value = negative ? -1 : 0;
    std::memcpy(&value, text.data(), text.size());
    return value;
  }

  bool push_text(uint64_t bytes) {
    const std::string_view text = cursor_.take(bytes);
    push({Value::kString, static_cast<uint32_t>(bytes),
          static_cast<int64_t>(cursor_.offset_of(text))});
    return true;
  }

  bool push_tuple(size_t count) {
    require(count);
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    const Value tuple{Value::kTuple, static_cast<uint32_t>(count),
                      static_cast<int64_t>(made_.items.size())};
    made_.items.insert(made_.items.end(), first, stack_.end());
    stack_.erase(first, stack_.end());
    push(tuple);
    return true;
  }

  bool put(size_t index) {
    // Python numbers them from 0, so that an index needs no other check.
    if (index != memo_.size())
      cursor_.fail("the pickle's memo: got index {}, expected {}", index, memo_.size());
    memo_.push_back(top());
    return true;
  }

  bool get(size_t index) {
    if (index >= memo_.size())
      cursor_.fail("the pickle's memo: got index {}, expected less than {}", index, memo_.size());
    push(memo_[index]);
    return true;
  }

  /// The items of lists are not kept: no state dict has any.
  bool append(size_t count) {
    require(count);
    stack_.resize(stack_.size() - count);
    if (top().kind != Value::kList)
      cursor_.fail("the pickle appends to {}, expected a list", kind_name(top().kind));
    return true;
  }

  bool set_items(size_t count) {
    require(count);
    if (count % 2 != 0) cursor_.fail("the pickle sets items: got a key without a value");
    const size_t first = stack_.size() - count;
    const std::vector<Value> items(stack_.begin() + static_cast<std::ptrdiff_t>(first),
                                   stack_.end());
    stack_.resize(first);
    if (top().kind != Value::kDict)
      cursor_.fail("the pickle sets items of {}, expected a dict", kind_name(top().kind));
    for (size_t i = 0; i < count; i += 2)
      made_.entries.push_back({top().number, items[i], items[i + 1]});
    return true;
  }

  bool check_frame() {
    const auto bytes = cursor_.number<uint64_t>();
    if (bytes > cursor_.left())
      cursor_.fail("a frame passes the end of the pickle: got {} bytes, expected at most {}", bytes,
                   cursor_.left());
    return true;
  }

  // -- globals and what is made of them

  bool push_global(std::string_view module, std::string_view name) {
    const auto globals = pickle_globals();
    const auto found = std::ranges::find_if(globals, [&](const PickleGlobal& global) {
      return global.module == module && global.name == name;
    });
    if (found == globals.end()) {
      cursor_.fail("the pickle asks for {}.{}, expected only what makes tensors; {}", module, name,
                   kSaveAlone);
    }
    push({Value::kGlobal, 0, found - globals.begin()});
    return true;
  }

  const PickleGlobal& global_of(const Value& value, const char* what) const {
    made_.expect(value, Value::kGlobal, what);
    return pickle_globals()[static_cast<size_t>(value.number)];
  }

  bool reduce() {
    const Value arguments = pop();
    const PickleGlobal& function = global_of(pop(), "what the pickle calls");
    made_.expect(arguments, Value::kTuple, "the arguments of a call");
    switch (function.role) {
      case PickleGlobal::kOrderedDict:
        made_.items_of(arguments, 0, function.name);
        push({Value::kDict, 1, dicts_++});
        return true;
      case PickleGlobal::kRebuildTensor:
        push_tensor(made_.items_of(arguments, 6, function.name));
        return true;
      case PickleGlobal::kRebuildParameter: {
        const Value tensor = made_.items_of(arguments, 3, function.name).front();
        made_.expect(tensor, Value::kTensor, "the data of a parameter");
        push(tensor);
        return true;
      }
      case PickleGlobal::kStorage:
        break;
    }
    cursor_.fail("the pickle calls {}.{}, expected a function that makes a tensor; {}",
                 function.module, function.name, kSaveAlone);
  }

  /// Sets attributes of an OrderedDict: `_metadata`, the versions of modules, which no tensor
  /// needs.
  bool build() {
    const Value state = pop();
    made_.expect(state, Value::kDict, "the state of an object");
    if (top().kind != Value::kDict || top().size != 1)
      cursor_.fail("the pickle sets the state of {}, expected an OrderedDict; {}",
                   kind_name(top().kind), kSaveAlone);
    return true;
  }

  /// ('storage', type, key, device, elements)
  bool push_storage() {
    const auto items = made_.items_of(pop(), 5, "a storage");
    if (made_.text_of(items[0], "the kind of a storage") != "storage")
      cursor_.fail("the pickle refers to something that is not a storage");
    const PickleGlobal& type = global_of(items[1], "the type of a storage");
    if (type.role != PickleGlobal::kStorage)
      cursor_.fail("the type of a storage: got {}.{}", type.module, type.name);
    if (made_.text_of(items[2], "the key of a storage").size() > kMostKeyBytes)
      cursor_.fail("the key of a storage is too long: got {} bytes, expected at most {}",
                   items[2].size, kMostKeyBytes);
    made_.text_of(items[3], "the device of a storage");
    push({Value::kStorage, 0, static_cast<int64_t>(made_.storages.size())});
    made_.storages.push_back(
        {&type, items[2], made_.integer_of(items[4], "the size of a storage")});
    return true;
  }

  /// (storage, offset, shape, strides, requires_grad, hooks)
  void push_tensor(std::span<const Value> arguments) {
    made_.expect(arguments[0], Value::kStorage, "the storage of a tensor");
    const PickleObjects::Tensor tensor{arguments[0].number,
                                       made_.integer_of(arguments[1], "the offset of a tensor"),
                                       arguments[2], arguments[3]};
    check_sizes(tensor.shape, "the shape of a tensor");
    check_sizes(tensor.strides, "the strides of a tensor");
    push({Value::kTensor, 0, static_cast<int64_t>(made_.tensors.size())});
    made_.tensors.push_back(tensor);
  }

  void check_sizes(const Value& tuple, const char* what) const {
    made_.expect(tuple, Value::kTuple, what);
    if (tuple.size > kMostDimensions)
      cursor_.fail("{}: got {} dimensions, expected at most {}", what, tuple.size, kMostDimensions);
    for (const Value& item : made_.items_of(tuple)) made_.integer_of(item, what);
  }

  PickleObjects& made_;
  PickleCursor& cursor_;
  std::vector<Value> stack_;
  std::vector<size_t> marks_;
  std::vector<Value> memo_;
  int64_t dicts_ = 0;
};

}  // namespace

PickleValue run_pickle(PickleObjects& made) {
  return Machine(made).run();
}

}  // namespace spikesink::detail
