// Outputs that a PE adds in this cycle of a LUT pass: the first PORTS remaining outputs, in
// ascending order, whose index is in the LUT now.
module picker #(
    parameter  int OUTPUTS    = 128,
    parameter  int PORTS      = 4,
    parameter  int INDEX_BITS = 9,
    localparam int OW         = $clog2(OUTPUTS + 1)
) (
    input  logic                          clk,
    input  logic                          pick,
    input  logic                          begins,   // first cycle of the pass
    input  logic [        INDEX_BITS-1:0] base,     // subset row of LUT entry 0
    input  logic [        INDEX_BITS-1:0] entries,  // LUT entries in this pass
    input  logic [                OW-1:0] outputs,  // outputs of the block
    input  logic [OUTPUTS*INDEX_BITS-1:0] indices,
    output logic [             PORTS-1:0] found,
    output logic [          PORTS*OW-1:0] slots,
    output logic                          more      // outputs remain after this cycle
);
  logic [OUTPUTS-1:0] left, todo, rest;
  logic [PORTS-1:0] taken;

  always_comb begin
    todo = left;
    if (pick && begins) begin
      for (int o = 0; o < OUTPUTS; o++) begin
        todo[o] = OW'(o) < outputs && indices[o*INDEX_BITS+:INDEX_BITS] >= base &&
            indices[o*INDEX_BITS+:INDEX_BITS] - base < entries;
      end
    end
  end

  always_comb begin
    rest  = todo;
    found = '0;
    slots = '0;
    taken = '0;
    if (pick) begin
      for (int o = 0; o < OUTPUTS; o++) begin
        if (todo[o] && !found[PORTS-1]) begin
          taken   = PORTS'({found, 1'b1});  // one more port
          for (int p = 0; p < PORTS; p++) begin
            if (taken[p] && !found[p]) slots[p*OW+:OW] = OW'(o);
          end
          found   = taken;
          rest[o] = 1'b0;
        end
      end
    end
  end

  assign more = pick && |rest;

  always_ff @(posedge clk) begin
    if (pick) left <= rest;
  end
endmodule
