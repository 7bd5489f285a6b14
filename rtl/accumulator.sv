// One accumulator with its lane of the partial-sum buffer: the sums of every ACCUMULATORS-th
// output.
//
// The drain reads a sum in the cycle in which the next output tile's first addition may overwrite
// it.
module accumulator #(
    parameter  int ROWS      = 32,
    parameter  int DOT_BITS  = 5,
    parameter  int SUM_BITS  = 16,
    localparam int RW        = ROWS > 1 ? $clog2(ROWS) : 1
) (
    input  logic                clk,
    input  logic                add,
    input  logic                first,      // first addition of an output tile: ignore the old sum
    input  logic [      RW-1:0] row,
    input  logic [DOT_BITS-1:0] product,
    input  logic [      RW-1:0] drain_row,
    output logic [SUM_BITS-1:0] drain_sum
);
  logic [SUM_BITS-1:0] sums[0:ROWS-1];
  logic [SUM_BITS-1:0] old;

  assign old       = first ? '0 : sums[row];
  assign drain_sum = sums[drain_row];

  always_ff @(posedge clk) begin
    if (add) sums[row] <= old + {{SUM_BITS - DOT_BITS{product[DOT_BITS-1]}}, product};
  end
endmodule
