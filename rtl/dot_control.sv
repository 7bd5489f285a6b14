// Control of the dot units. It fills a bank of the LUT when one is free. In a direct layer, it
// makes a step's dot products when the kernels have arrived and the sums may be overwritten.
module dot_control
  import machine::*;
#(
    parameter  int LUT_BANKS    = 2,
    parameter  int ACCUMULATORS = 4,
    localparam int BW           = LUT_BANKS > 1 ? $clog2(LUT_BANKS) : 1
) (
    input  logic            clk,
    input  logic            start,
    input  layer_t          layer,
    input  logic            inputs_there,
    input  logic            bank_free,
    input  logic            indices_ready,
    input  logic            sums_free,
    output logic            begins,     // first cycle of a fill or direct step
    output logic            active,
    output logic            ends,       // last cycle
    output place_t          at,
    output place_t          next,       // position of the next command
    output word_t           count,      // dot products of the earlier cycles
    output logic   [BW-1:0] bank,
    output word_t           row,        // count / ACCUMULATORS
    output word_t           lane        // count % ACCUMULATORS
);
  nest_t nest;
  logic  busy;
  word_t length;

  assign nest = nest_of(layer);
  assign next = next_place(nest, at);
  always_comb begin
    if (layer.direct[0]) length = block_outputs(layer, at);
    else length = pass_entries(layer, at.pass);
  end
  always_comb begin
    begins = 1'b0;
    if (!busy && !start && at.row != layer.rows && inputs_there) begin
      if (layer.direct[0]) begins = indices_ready && (at.group != 0 || sums_free);
      else begins = bank_free;
    end
  end
  assign active = busy || begins;
  assign ends   = active && count + 1 == length;

  always_ff @(posedge clk) begin
    if (start) begin
      at    <= '0;
      busy  <= 1'b0;
      count <= '0;
      row   <= '0;
      lane  <= '0;
      bank  <= '0;
    end else if (ends) begin
      at    <= next;
      busy  <= 1'b0;
      count <= '0;
      row   <= '0;
      lane  <= '0;
      bank  <= bank == BW'(LUT_BANKS - 1) ? '0 : bank + 1;
    end else if (active) begin
      busy  <= 1'b1;
      count <= count + 1;
      row   <= lane == word_t'(ACCUMULATORS - 1) ? row + 1 : row;
      lane  <= lane == word_t'(ACCUMULATORS - 1) ? '0 : lane + 1;
    end
  end
endmodule
