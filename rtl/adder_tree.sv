// Joins the sums of the PEs that work on one pixel: a tree of log2(PES) levels with a tap at every
// PE.
//
// `begins` marks the first PE of every pixel. At the last PE of a pixel, `joined` is the pixel's
// sum.
module adder_tree #(
    parameter  int PES    = 64,
    parameter  int BITS   = 16,
    localparam int LEVELS = PES > 1 ? $clog2(PES) : 0
) (
    input  logic [     PES-1:0] begins,
    input  logic [PES*BITS-1:0] sums,
    output logic [PES*BITS-1:0] joined
);
  always_comb begin
    logic [PES*BITS-1:0] now, next;
    logic [PES-1:0] whole, next_whole;
    now   = sums;
    whole = begins;  // reaches back to its pixel's first PE
    for (int level = 0; level < LEVELS; level++) begin
      next       = now;
      next_whole = whole;
      for (int i = 1 << level; i < PES; i++) begin
        if (!whole[i]) begin
          next[i*BITS+:BITS] = now[i*BITS+:BITS] + now[(i-(1<<level))*BITS+:BITS];
          next_whole[i]      = whole[i-(1<<level)];
        end
      end
      now   = next;
      whole = next_whole;
    end
    joined = now;
  end
endmodule
