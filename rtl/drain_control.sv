// Control of the drain: sends the sums of the oldest complete output tile through the adder tree.
module drain_control
  import machine::*;
#(
    parameter int ACCUMULATORS = 4
) (
    input  logic                    clk,
    input  logic                    start,
    input  layer_t                  layer,
    input  logic                    tile_complete,
    output logic                    begins,
    output logic                    active,
    output logic                    ends,
    output logic                    done,            // the layer's last sums have left
    output word_t                   row,
    output logic [ACCUMULATORS-1:0] lanes,           // lanes with an output in this row
    output word_t                   channel,         // output channel of lane 0
    output word_t                   pixel            // index of the first pixel
);
  nest_t nest;
  place_t at, next;
  logic busy;
  word_t outputs, first_channel, row_pixel, width;

  always_comb begin
    nest        = nest_of(layer);
    nest.groups = 1;
    nest.passes = 1;
  end
  assign next    = next_place(nest, at);
  assign outputs = block_outputs(layer, at);
  assign done    = at.row == layer.rows;
  assign begins  = !busy && !start && !done && tile_complete;
  assign active  = busy || begins;
  assign ends    = active && last_row(row, outputs, ACCUMULATORS);
  assign channel = first_channel + row * word_t'(ACCUMULATORS);
  assign width   = outputs - row * word_t'(ACCUMULATORS);
  for (genvar a = 0; a < ACCUMULATORS; a++) begin : g_lane
    assign lanes[a] = word_t'(a) < width;
  end

  always_ff @(posedge clk) begin
    if (start) begin
      at            <= '0;
      busy          <= 1'b0;
      row           <= '0;
      first_channel <= '0;
      pixel         <= '0;
      row_pixel     <= '0;
    end else if (ends) begin
      at   <= next;
      busy <= 1'b0;
      row  <= '0;
      if (next.step != 0) begin
        pixel <= pixel + layer.step_pixels;
      end else if (next.row == at.row) begin
        pixel         <= row_pixel;  // the same pixels, the next block
        first_channel <= first_channel + outputs;
      end else begin
        pixel         <= pixel + layer.step_pixels;
        row_pixel     <= pixel + layer.step_pixels;
        first_channel <= '0;
      end
    end else if (active) begin
      busy <= 1'b1;
      row  <= row + 1;
    end
  end
endmodule
