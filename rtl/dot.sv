// Dot9: one binary dot product, XNOR and adder tree.
//
// A bit is a sign: 1 is +1, 0 is -1. Invalid positions add 0: padding at the map's edge, and
// channels that a vector does not have.
module dot #(
    parameter  int WIDTH = 9,
    localparam int BITS  = $clog2(WIDTH + 1) + 1  // range: -WIDTH to WIDTH
) (
    input  logic [WIDTH-1:0] window,
    input  logic [WIDTH-1:0] valid,
    input  logic [WIDTH-1:0] kernel,
    output logic [ BITS-1:0] product  // two's complement
);
  logic [WIDTH-1:0] equal;
  logic [ BITS-1:0] agreeing;
  logic [ BITS-1:0] positions;

  assign equal = ~(window ^ kernel) & valid;
  always_comb begin
    agreeing  = '0;
    positions = '0;
    for (int i = 0; i < WIDTH; i++) begin
      agreeing  = agreeing + BITS'(equal[i]);
      positions = positions + BITS'(valid[i]);
    end
  end
  // Each agreeing position is +1, each other valid position -1.
  assign product = (agreeing << 1) - positions;
endmodule
