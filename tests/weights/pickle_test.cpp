#include "weights/torch/pickle.h"

#include <gtest/gtest.h>

#include "message_of.h"
#include "spikesink/error.h"
#include "weights/malformed.h"
#include "weights/pickle_bytes.h"

namespace spikesink::detail {
namespace {

using namespace pickled;

TEST(PickleTest, ATensorIsDescribed) {
  const std::string pickle = dict({item("x", tensor({.type = "HalfStorage",
                                                     .key = "7",
                                                     .elements = 1LL << 40,
                                                     .offset = 300,
                                                     .shape = {5, 1},
                                                     .strides = {1LL << 33, 1}}))});
  const auto tensors = read_state_dict(pickle, "file");
  ASSERT_EQ(tensors.size(), 1U);
  EXPECT_EQ(tensors[0].name, "x");
  EXPECT_EQ(tensors[0].dtype, torch::kFloat16);
  EXPECT_EQ(tensors[0].storage, "7");
  EXPECT_EQ(tensors[0].storage_elements, 1LL << 40);
  EXPECT_EQ(tensors[0].offset, 300);
  EXPECT_EQ(tensors[0].shape, (std::vector<int64_t>{5, 1}));
  EXPECT_EQ(tensors[0].strides, (std::vector<int64_t>{1LL << 33, 1}));
}

TEST(PickleTest, ItemsComeInTheirOrderAlsoFromTheMemo) {
  // The dict is fetched from the memo and filled in two steps.
  const std::string pickle =
      whole("}q" + std::string(1, '\0') + "(" + text("b") + tensor() + text("a") + tensor() + "uh" +
            std::string(1, '\0') + item("c", tensor()) + "0");
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { read_state_dict(pickle, "file"); }), "opcode POP"));
  const std::string good = dict({"q" + std::string(1, '\0') + "(" + text("b") + tensor() +
                                 text("a") + tensor() + "u" + item("c", tensor())});
  const auto tensors = read_state_dict(good, "file");
  ASSERT_EQ(tensors.size(), 3U);
  EXPECT_EQ(tensors[0].name, "b");
  EXPECT_EQ(tensors[2].name, "c");
}

TEST(PickleTest, NegativeNumbersAreReadAsSuch) {
  const auto numbers = [](const std::string& number) {
    const std::string opcodes = global("torch._utils", "_rebuild_tensor_v2") +
                                tuple({storage({}), number, ")", ")", "\x89", "}"}) + "R";
    const std::string pickle = dict({item("x", opcodes)});
    return read_state_dict(pickle, "file").at(0).offset;
  };
  EXPECT_EQ(numbers(integer(-3)), -3);
  EXPECT_EQ(numbers(integer(INT64_MIN)), INT64_MIN);
  EXPECT_EQ(numbers("\x8a\x02\xff\x7f"), 32767);
  EXPECT_EQ(numbers("\x8a\x02\xff\xff"), -1);
  EXPECT_EQ(numbers(std::string("\x8a\0", 2)), 0);
  EXPECT_EQ(numbers("K\xff"), 255);
  EXPECT_EQ(numbers("M\xff\xff"), 65535);
}

TEST(PickleTest, MetadataOfAnOrderedDictIsSkipped) {
  const std::string metadata =
      "}" + item("_metadata", ordered_dict() + item("", "}" + item("version", integer(1))));
  const std::string pickle = whole(ordered_dict() + item("x", tensor()) + metadata + "b");
  EXPECT_EQ(read_state_dict(pickle, "file").size(), 1U);
}

TEST(PickleTest, ADictThatHoldsItselfIsHarmless) {
  const std::string zero(1, '\0');
  const std::string inside = whole("}q" + zero + item("x", "h" + zero));
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { read_state_dict(inside, "file"); }), "'x' is a dict"));
  const std::string state = whole(ordered_dict() + "q" + zero + "}q\x01" + item("self", "h\x01") +
                                  item("dict", "h" + zero) + "b");
  EXPECT_TRUE(read_state_dict(state, "file").empty());
}

class MalformedPickleTest : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedPickleTest, IsRefused) {
  const auto message =
      message_of<FileError>([&] { read_state_dict(GetParam().bytes, "the file"); });
  EXPECT_TRUE(contains(message, GetParam().fragment));
  EXPECT_TRUE(contains(message, "[open_torch_file] "));
  EXPECT_TRUE(contains(message, "(the file, byte "));
}

/// A pickle whose only value is `x`.
std::string value(const std::string& opcodes) {
  return dict({item("x", opcodes)});
}

std::string rebuilt(const std::vector<std::string>& arguments) {
  return value(global("torch._utils", "_rebuild_tensor_v2") + tuple(arguments) + "R");
}

const Malformed kMalformedPickles[] = {
    {"Empty", "", "the pickle ends too early"},
    {"NoProtocol", "}.", "begins with EMPTY_DICT, expected PROTO"},
    {"Protocol1", "\x80\x01}.", "protocol: got 1, expected 2 to 5"},
    {"Protocol6", "\x80\x06}.", "protocol: got 6, expected 2 to 5"},
    {"NoStop", "\x80\x02}", "the pickle ends too early: got 0 bytes, expected 1"},
    {"BytesAfterStop", "\x80\x02}.x", "ends with 1 values and 1 more bytes"},
    {"TwoValues", "\x80\x02}}.", "ends with 2 values"},
    {"NoValue", "\x80\x02.", "ends with 0 values"},
    {"OpenMark", "\x80\x02}(.", "ends with"},
    {"AList", "\x80\x02].", "the file holds a list, expected a dict of tensors"},
    {"OneTensor", whole(tensor()), "the file holds a tensor, expected a dict of tensors"},
    {"ATextTooLong", "\x80\x02X\xff\xff\xff\xff.", "got 1 bytes, expected 4294967295"},
    {"ATextOfAllOnes", "\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
     "got 1 bytes, expected 1844"},
    {"AFrameTooLong", "\x80\x04\x95" + u64(9) + "}.",
     "a frame passes the end of the pickle: got 9"},
    {"AnInteger72BitsLong", "\x80\x02\x8a\x09" + std::string(9, '1') + ".",
     "got 9 bytes, expected at most 8"},
    {"AHalfName",
     "\x80\x02"
     "cposix",
     "ends within a name"},
    // Code
    {"System", value(global("posix", "system") + tuple({text("id")}) + "R"),
     "asks for posix.system, expected only what makes tensors; nothing was executed"},
    {"Eval", value(global("builtins", "eval") + ")R"), "asks for builtins.eval"},
    {"StackGlobal", value(text("os") + text("system") + "\x93"), "asks for os.system"},
    {"StackGlobalOfNumbers", value(integer(1) + integer(2) + "\x93"),
     "the name of a global: got an integer"},
    {"NumpyArray", value(global("numpy.core.multiarray", "_reconstruct")),
     "numpy.core.multiarray._reconstruct"},
    {"Inst", whole("(iposix\nsystem\n"), "opcode INST"},
    {"Obj", whole("(" + global("torch", "FloatStorage") + "o"), "opcode OBJ"},
    {"NewObj", whole(global("collections", "OrderedDict") + ")\x81"), "opcode NEWOBJ"},
    {"NewObjEx", whole(global("collections", "OrderedDict") + ")}\x92"), "opcode NEWOBJ_EX"},
    {"Ext1", whole("\x82\x01"), "opcode EXT1"},
    {"PersId", whole("P0\n"), "opcode PERSID"},
    {"Bytes",
     whole("C\x01"
           "a"),
     "opcode SHORT_BINBYTES"},
    {"NoOpcode", whole("\xff"), "opcode 0xff"},
    {"ProtocolTwice", whole("\x80\x02"), "opcode PROTO"},
    {"CallOfAStorage", value(global("torch", "FloatStorage") + ")R"), "calls torch.FloatStorage"},
    {"CallOfADict", value("})R"), "what the pickle calls: got a dict, expected a global"},
    {"CallWithAList", value(global("collections", "OrderedDict") + "]R"),
     "got a list, expected a tuple"},
    {"OrderedDictOfItems", value(global("collections", "OrderedDict") + tuple({"]"}) + "R"),
     "OrderedDict: got a tuple of 1 items, expected a tuple of 0"},
    {"StateOfATensor", value(tensor() + "}b"), "sets the state of a tensor"},
    {"StateOfADict", value("}}b"), "sets the state of a dict"},
    // The stack
    {"SetItemOfNothing", whole("s"), "stack has 0 values, expected at least 2"},
    {"ReduceOfNothing", whole("R"), "stack has 0 values, expected at least 1"},
    {"TupleOfNothing", whole("\x87"), "stack has 0 values, expected at least 3"},
    {"BelowTheMark", whole("}(s"), "stack has 0 values, expected at least 2"},
    {"MemoBelowTheMark", whole("}(\x94"), "stack has 0 values"},
    {"NoMark", whole("}t"), "has no mark"},
    {"ItemsWithoutMark", whole("}u"), "has no mark"},
    {"AKeyWithoutAValue", whole("}(" + text("x") + "u"), "a key without a value"},
    {"ItemsOfAList", whole("]NNs"), "sets items of a list, expected a dict"},
    {"AppendToADict", whole("}Na"), "appends to a dict, expected a list"},
    {"Deep", whole(std::string(100000, '(')), "as in deep nesting: got more than 65536"},
    {"DeepLists", whole(std::string(100000, ']')), "as in deep nesting"},
    // The memo
    {"MemoOfNothing", whole("h\x05"), "memo: got index 5, expected less than 0"},
    {"MemoFarAway", whole("j\xff\xff\xff\xff"), "memo: got index 4294967295, expected less than 0"},
    {"PutFarAway", whole("}r\xff\xff\xff\x7f"), "memo: got index 2147483647, expected 0"},
    // What is no tensor
    {"Checkpoint", dict({item("epoch", integer(3)), item("model", "}")}),
     "the entry 'model' is a dict, expected a tensor: likely a training checkpoint; save its state "
     "dict alone"},
    {"Optimizer", dict({item("optimizer", "}")}),
     "the entry 'optimizer' is a dict, expected a tensor"},
    {"AnEpoch", dict({item("epoch", integer(3))}),
     "the entry 'epoch' is an integer, expected a tensor"},
    {"ALoss", dict({item("loss", "G" + std::string(8, '1'))}), "the entry 'loss' is a real number"},
    {"AFlag", value("\x88"), "the entry 'x' is a boolean"},
    {"Nothing", value("N"), "the entry 'x' is None"},
    {"AStorage", value(storage({})), "the entry 'x' is a storage"},
    {"AGlobal", value(global("torch", "FloatStorage")), "the entry 'x' is a global"},
    {"ANumberAsKey", whole("}" + integer(1) + tensor() + "s"),
     "a key of the state dict: got an integer"},
    {"Twice", dict({item("x", tensor()), item("x", tensor())}), "two tensors have one name: 'x'"},
    {"AKeyThatIsNotUtf8", dict({item("\xff", tensor())}), "the name of a tensor is not UTF-8"},
    // Tensors
    {"FiveArguments", rebuilt({storage({}), integer(0), ")", ")", "\x89"}),
     "a tuple of 5 items, expected a tuple of 6"},
    {"WithMetadata", rebuilt({storage({}), integer(0), ")", ")", "\x89", "}", "}"}),
     "a tuple of 7 items"},
    {"NoStorage", rebuilt({"N", integer(0), ")", ")", "\x89", "}"}),
     "the storage of a tensor: got None"},
    {"OffsetOfText", rebuilt({storage({}), text("0"), ")", ")", "\x89", "}"}),
     "the offset of a tensor: got a string"},
    {"ShapeOfAList", rebuilt({storage({}), integer(0), "]", ")", "\x89", "}"}),
     "the shape of a tensor: got a list"},
    {"ShapeOfReals",
     rebuilt({storage({}), integer(0), tuple({"G" + std::string(8, '0')}), ")", "\x89", "}"}),
     "the shape of a tensor: got a real number, expected an integer"},
    {"ManyDimensions", value(tensor({.shape = std::vector<int64_t>(17, 1), .strides = {}})),
     "got 17 dimensions, expected at most 16"},
    {"ParameterOfNothing",
     value(global("torch._utils", "_rebuild_parameter") + tuple({"N", "\x88", "}"}) + "R"),
     "the data of a parameter: got None"},
    {"UnknownStorage", value(tensor({.type = "ComplexFloatStorage"})),
     "asks for torch.ComplexFloatStorage"},
    {"StorageOfText", value(text("storage") + "Q"), "a storage: got a string"},
    {"StorageOfFour", value(tuple({text("storage"), "N", "N", "N"}) + "Q"),
     "of 4 items, expected a tuple of 5"},
    {"AnotherKind", value(tuple({text("module"), "N", "N", "N", "N"}) + "Q"), "not a storage"},
    {"StorageOfADict",
     value(tuple({text("storage"), global("collections", "OrderedDict"), text("0"), text("cpu"),
                  integer(1)}) +
           "Q"),
     "the type of a storage: got collections.OrderedDict"},
    {"ALongKey", value(tensor({.key = std::string(65, '0')})), "got 65 bytes, expected at most 64"},
};

INSTANTIATE_TEST_SUITE_P(Pickle, MalformedPickleTest, testing::ValuesIn(kMalformedPickles),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace spikesink::detail
