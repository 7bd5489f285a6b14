// Control of the index fetch: fetches a weight tile's indices when a set of registers is free.
module fetch_control
  import machine::*;
#(
    parameter  int REGISTER_SETS = 2,
    localparam int SW            = REGISTER_SETS > 1 ? $clog2(REGISTER_SETS) : 1
) (
    input  logic            clk,
    input  logic            start,
    input  layer_t          layer,
    input  logic            indices_there,
    input  logic            set_free,
    input  logic            arrives,        // the weight tile's last index arrives in this cycle
    output logic            begins,
    output logic            active,
    output logic            ends,
    output place_t          at,
    output place_t          next,
    output logic   [SW-1:0] set,
    output word_t           outputs,
    output word_t           units
);
  nest_t nest;
  logic  busy;

  // Indices stay if the next step has the same block and group.
  always_comb begin
    nest        = nest_of(layer);
    nest.passes = 1;
    if (nest.groups == 1) begin
      nest.row_steps      = 1;
      nest.last_row_steps = 1;
      if (nest.blocks == 1 && nest.conv_groups == 1) nest.rows = 1;
    end
  end
  assign next    = next_place(nest, at);
  assign outputs = block_outputs(layer, at);
  assign units   = group_units(layer, at);
  assign begins  = !busy && !start && at.row != nest.rows && indices_there && set_free;
  assign active  = busy || begins;
  assign ends    = active && arrives;

  always_ff @(posedge clk) begin
    if (start) begin
      at   <= '0;
      busy <= 1'b0;
      set  <= '0;
    end else if (ends) begin
      at   <= next;
      busy <= 1'b0;
      set  <= set == SW'(REGISTER_SETS - 1) ? '0 : set + 1;
    end else if (active) begin
      busy <= 1'b1;
    end
  end
endmodule
