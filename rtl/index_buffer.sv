// SRAM model of the index buffer. It delivers `bits_per_cycle` bits of packed indices per cycle. An
// index reaches the PEs in the cycle in which its last bit arrives. Not for synthesis.
//
// The order of a weight tile's indices is by output, then by unit. Weight tiles are in the order in
// which a row's first pixel step needs them.
module index_buffer
  import machine::*;
#(
    parameter  int PES         = 64,
    parameter  int OUTPUTS     = 128,
    parameter  int INDEX_BITS  = 9,
    parameter  int PASSES      = 1,
    parameter  int DEPTH       = 1 << 18,
    parameter  int REGISTER_SETS = 2,
    localparam int SW          = REGISTER_SETS > 1 ? $clog2(REGISTER_SETS) : 1,
    localparam int AW          = $clog2(DEPTH)
) (
    input  logic                                    clk,
    input  logic                                    start,
    input  layer_t                                  layer,
    input  logic                                    begins,
    input  logic                                    active,
    input  logic                                    ends,
    input  place_t                                  at,
    input  place_t                                  next,
    input  logic   [                        SW-1:0] set,
    input  word_t                                   outputs,
    input  word_t                                   units,
    output logic                                    arrives,
    output logic   [               PES*OUTPUTS-1:0] load_slots,
    output logic   [    PES*OUTPUTS*INDEX_BITS-1:0] load_indices,
    output logic   [      REGISTER_SETS*PASSES-1:0] used
);
  logic [INDEX_BITS-1:0] indices[0:DEPTH-1];
  logic [INDEX_BITS-1:0] subset [      0:511];  // for direct layers: the kernel of an index
  word_t position, block_start, credit, output_number, unit;
  word_t next_position, next_credit, next_output, next_unit;
  logic [PASSES-1:0] used_now;

  initial begin
    string path;
    if ($value$plusargs("indices=%s", path)) $readmemh(path, indices);
    if ($value$plusargs("subset=%s", path)) $readmemh(path, subset);
  end

  always_comb begin
    logic [INDEX_BITS-1:0] stored, kernel;
    stored        = '0;
    kernel        = '0;
    load_slots    = '0;
    load_indices  = '0;
    used_now      = '0;
    next_position = position;
    next_credit   = credit;
    next_output   = output_number;
    next_unit     = unit;
    if (active) begin
      next_credit = credit + layer.bits_per_cycle;
      while (next_credit >= layer.index_bits && next_output != outputs) begin
        stored = indices[AW'(next_position)];
        kernel = layer.expand[0] ? subset[stored] : stored;
        for (int p = 0; p < PASSES; p++) begin
          if (word_t'(stored) - pass_base(layer, p) < pass_entries(layer, p)) used_now[p] = 1'b1;
        end
        for (word_t p = next_unit; p < word_t'(PES); p += layer.pixel_pes) begin
          load_slots[p*OUTPUTS+next_output] = 1'b1;
          load_indices[(p*OUTPUTS+next_output)*INDEX_BITS+:INDEX_BITS] = kernel;
        end
        next_credit   = next_credit - layer.index_bits;
        next_position = next_position + 1;
        next_unit     = next_unit + 1;
        if (next_unit == units) begin
          next_unit   = 0;
          next_output = next_output + 1;
        end
      end
    end
  end
  assign arrives = active && next_output == outputs;

  always_ff @(posedge clk) begin
    if (start) begin
      position      <= '0;
      block_start   <= '0;
      credit        <= '0;
      output_number <= '0;
      unit          <= '0;
    end else if (ends) begin
      credit        <= '0;
      output_number <= '0;
      unit          <= '0;
      if (next.row != at.row) begin
        position    <= '0;
        block_start <= '0;
      end else if (next.block != at.block || next.conv_group != at.conv_group) begin
        position    <= next_position;
        block_start <= next_position;
      end else if (next.step != at.step) begin
        position <= block_start;
      end else begin
        position <= next_position;
      end
    end else if (active) begin
      position      <= next_position;
      credit        <= next_credit;
      output_number <= next_output;
      unit          <= next_unit;
    end
    if (active) begin
      used[set*PASSES+:PASSES] <= used_now | (begins ? '0 : used[set*PASSES+:PASSES]);
    end
  end
endmodule
