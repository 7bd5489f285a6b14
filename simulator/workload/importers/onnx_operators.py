"""The operators that the importer of ONNX graphs knows, in a table of three classes.

`PRODUCTS` multiply weights with activations; the importer reads them as layers. `COMPUTED` are
functions whose output the importer computes if all their inputs are constants. `MOVED` only move,
compare, pool or scale values, or work on numbers other than weights. The importer refuses any
operator outside the table, because it may hold a product that totals would omit.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from simulator.workload.importers.onnx_nodes import is_standard, subgraphs

if TYPE_CHECKING:
    from onnx import NodeProto

Kind = Literal["product", "computed", "moved"]

PRODUCTS = frozenset({"Conv", "Gemm", "MatMul"})
"""Operators with a product of weights and activations."""
COMPUTED_PRODUCTS = frozenset({"Gemm", "MatMul"})
"""Products that the importer computes if all their inputs are constants."""
TWO_LEVELS = frozenset({
    "And", "ArgMax", "ArgMin", "Ceil", "DynamicQuantizeLinear", "Equal", "Floor", "Greater",
    "GreaterOrEqual", "Hardmax", "IntQuant", "Less", "LessOrEqual", "MultiThreshold", "Not", "Or",
    "Quant", "QuantizeLinear", "Round", "Where", "Xor",
})  # fmt: skip
"""Operators with few different output values; weights that pass through them may be binary."""
QUANTIZERS = frozenset(
    {"BipolarQuant", "FloatQuant", "IntQuant", "MultiThreshold", "Quant", "Trunc"}
)
"""QONNX's operators; their output has the shape of the first input."""
_QUANTIZER_DOMAINS = frozenset({"qonnx", "finn", "brevitas", "onnx.brevitas"})
"""First parts of the domains of QONNX's operators, of today and of older exporters."""
COMPUTED = frozenset({
    "Abs", "Acos", "Acosh", "Add", "And", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh",
    "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast", "CastLike", "Ceil",
    "Celu", "Clip", "Concat", "Constant", "ConstantOfShape", "Cos", "Cosh", "CumSum",
    "DequantizeLinear", "Div", "Elu", "Equal", "Erf", "Exp", "Expand", "EyeLike", "Flatten",
    "Floor", "Gather", "GatherElements", "GatherND", "Gelu", "Greater", "GreaterOrEqual",
    "HardSigmoid", "HardSwish", "Hardmax", "Identity", "IsInf", "IsNaN", "LeakyRelu", "Less",
    "LessOrEqual", "Log", "LogSoftmax", "Max", "Mean", "Min", "Mish", "Mod", "Mul", "Neg", "Not",
    "OneHot", "Or", "PRelu", "Pad", "Pow", "QuantizeLinear", "Range", "Reciprocal", "ReduceL1",
    "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "Round", "ScatterElements",
    "ScatterND", "Selu", "Shape", "Sigmoid", "Sign", "Sin", "Sinh", "Size", "Slice", "Softmax",
    "Softplus", "Softsign", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tan", "Tanh",
    "ThresholdedRelu", "Tile", "TopK", "Transpose", "Trilu", "Unsqueeze", "Where", "Xor",
})  # fmt: skip
"""Operators of ONNX that the importer computes for constants."""
MOVED = frozenset({
    "AffineGrid", "AveragePool", "BatchNormalization", "Bernoulli", "BitCast", "BlackmanWindow",
    "CenterCropPad", "Col2Im", "Compress", "ConcatFromSequence", "CumProd", "DepthToSpace", "Det",
    "Dropout", "DynamicQuantizeLinear", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool",
    "GridSample", "GroupNormalization", "HammingWindow", "HannWindow", "If", "ImageDecoder",
    "InstanceNormalization", "LRN", "LayerNormalization", "Loop", "LpNormalization", "LpPool",
    "MaxPool", "MaxRoiPool", "MaxUnpool", "MeanVarianceNormalization", "MelWeightMatrix",
    "Multinomial", "NegativeLogLikelihoodLoss", "NonMaxSuppression", "NonZero", "Optional",
    "OptionalGetElement", "OptionalHasElement", "RMSNormalization", "RandomNormal",
    "RandomNormalLike", "RandomUniform", "RandomUniformLike", "RegexFullMatch", "Resize",
    "ReverseSequence", "RoiAlign", "RotaryEmbedding", "Scan", "Scatter", "SequenceAt",
    "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength",
    "SequenceMap", "Shrink", "SoftmaxCrossEntropyLoss", "SpaceToDepth", "SplitToSequence",
    "StringConcat", "StringNormalizer", "StringSplit", "SwiGLU", "Swish", "TensorScatter",
    "TfIdfVectorizer", "Unique", "Upsample",
})  # fmt: skip
"""Operators of ONNX without weights; if an operator has subgraphs, the subgraphs decide."""
_MOVED_ML = frozenset({
    "ArrayFeatureExtractor", "Binarizer", "CastMap", "CategoryMapper", "DictVectorizer",
    "FeatureVectorizer", "Imputer", "LabelEncoder", "Normalizer", "OneHotEncoder", "Scaler",
    "ZipMap",
})  # fmt: skip
"""Operators of `ai.onnx.ml` without weights."""


def kind_of(node: "NodeProto") -> Kind | None:
    """The class of a node's operator; None if the table does not have it."""
    if is_quantizer(node):
        return "moved"
    if node.domain == "ai.onnx.ml":
        return "moved" if node.op_type in _MOVED_ML else None
    if not is_standard(node):
        return None
    if node.op_type in PRODUCTS:
        return "product"
    if node.op_type in COMPUTED:
        return "computed"
    return "moved" if node.op_type in MOVED else None


def is_quantizer(node: "NodeProto") -> bool:
    """True for an operator of QONNX, in the domain of any exporter."""
    return node.op_type in QUANTIZERS and any(
        node.domain == domain or node.domain.startswith(f"{domain}.")
        for domain in _QUANTIZER_DOMAINS
    )


def hidden_layers(node: "NodeProto") -> Iterator["NodeProto"]:
    """Yield the nodes in a node's subgraphs, at any depth, that are or may be layers."""
    for graph in subgraphs(node):
        for inner in graph.node:
            if kind_of(inner) in {"product", None}:
                yield inner
            yield from hidden_layers(inner)
