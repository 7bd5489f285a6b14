// The accumulators and partial sums of a PE that takes a subset in LUT passes. Outputs come in the
// order of their passes; any accumulator may therefore add to any sum. (Without passes, each
// accumulator has its own lane.)
module line_buffer #(
    parameter  int OUTPUTS  = 128,
    parameter  int PORTS    = 4,
    parameter  int DOT_BITS = 5,
    parameter  int SUM_BITS = 16,
    localparam int ROWS     = (OUTPUTS + PORTS - 1) / PORTS,
    localparam int RW       = ROWS > 1 ? $clog2(ROWS) : 1,
    localparam int OW       = $clog2(OUTPUTS + 1),
    localparam int AW       = OUTPUTS > 1 ? $clog2(OUTPUTS) : 1
) (
    input  logic                      clk,
    input  logic [         PORTS-1:0] add,
    input  logic                      first,
    input  logic [      PORTS*OW-1:0] slots,
    input  logic [PORTS*DOT_BITS-1:0] products,
    input  logic [            RW-1:0] drain_row,
    output logic [PORTS*SUM_BITS-1:0] drain_sums
);
  logic [SUM_BITS-1:0] sums[0:OUTPUTS-1];

  for (genvar p = 0; p < PORTS; p++) begin : g_port
    logic [      AW-1:0] slot;
    logic [DOT_BITS-1:0] product;
    logic [SUM_BITS-1:0] old;
    assign slot    = AW'(slots[p*OW+:OW]);
    assign product = products[p*DOT_BITS+:DOT_BITS];
    assign old  = first ? '0 : sums[slot];
    always_ff @(posedge clk) begin
      if (add[p]) sums[slot] <= old + {{SUM_BITS - DOT_BITS{product[DOT_BITS-1]}}, product};
    end
    assign drain_sums[p*SUM_BITS+:SUM_BITS] = sums[AW'(drain_row)*AW'(PORTS)+AW'(p)];
  end
endmodule
