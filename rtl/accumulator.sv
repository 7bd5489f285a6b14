// One accumulator with its lane of the line buffer: the sums of every ACCUMULATORS-th output.
//
// The drain reads a sum in the cycle in which the next visit's first addition may overwrite it.
module accumulator #(
    parameter  int ROWS      = 32,
    parameter  int DOT_BITS  = 5,
    parameter  int SUM_BITS  = 16,
    localparam int RW        = ROWS > 1 ? $clog2(ROWS) : 1
) (
    input  logic                clk,
    input  logic                add,
    input  logic                first,      // the visit's first addition: forget the old sum
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
