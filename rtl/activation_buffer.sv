// SRAM model of the activation buffer and its address generator. It outputs the windows of one
// step, and loads those of the next step in the step's last cycle. Not for synthesis.
//
// A word has one bit per PE. In a 3x3 layer, these are a pixel's channels in a group. In a 1x1
// layer, they are one of the 8 channels of each vector in a group.
module activation_buffer
  import machine::*;
#(
    parameter  int PES       = 64,
    parameter  int DOT_WIDTH = 9,
    parameter  int DEPTH     = 1 << 17,
    localparam int AW        = $clog2(DEPTH)
) (
    input  logic                       clk,
    input  logic                       start,
    input  layer_t                     layer,
    input  logic                       advance,  // a step's last cycle
    input  place_t                     at,
    input  place_t                     next,
    output logic   [PES*DOT_WIDTH-1:0] windows,
    output logic   [PES*DOT_WIDTH-1:0] valids
);
  typedef struct packed {
    word_t image;
    word_t row;
    word_t column;
  } pixel_t;

  logic [PES-1:0] words[0:DEPTH-1];
  pixel_t here, row_start;  // first pixel of the step, and of the row of steps

  initial begin
    string path;
    if ($value$plusargs("activations=%s", path)) $readmemh(path, words);
  end

  // The pixel at a distance of some images, rows and columns, each less than a whole one.
  function automatic pixel_t plus(layer_t l, pixel_t p, word_t images, word_t rows, word_t columns);
    plus = '{image: p.image + images, row: p.row + rows, column: p.column + columns};
    if (plus.column >= l.out_width) begin
      plus.column = plus.column - l.out_width;
      plus.row    = plus.row + 1;
    end
    if (plus.row >= l.out_height) begin
      plus.row   = plus.row - l.out_height;
      plus.image = plus.image + 1;
    end
  endfunction

  always_ff @(posedge clk) begin
    if (start || advance) begin
      pixel_t first, pixel;
      word_t group, number, slots, y, x, address;
      logic on_map;

      if (start) first = '0;
      else if (next.row != at.row || next.step != at.step && next.step != 0)
        first = plus(layer, here, layer.step_images, layer.step_rows, layer.step_columns);
      else if (next.step != at.step || next.block != at.block || next.conv_group != at.conv_group)
        first = row_start;
      else first = here;
      here <= first;
      if (start || next.row != at.row) row_start <= first;

      group  = start ? 0 : next.conv_group * layer.groups + next.group;
      number = layer.conv_groups * layer.groups;
      pixel  = first;
      slots  = 0;
      windows <= '0;
      valids  <= '0;
      for (word_t base = 0; base + layer.pixel_pes <= word_t'(PES); base += layer.pixel_pes) begin
        for (int k = 0; k < DOT_WIDTH; k++) begin
          if (layer.vectors[0]) begin
            y = pixel.row * layer.stride - layer.padding;
            x = pixel.column * layer.stride - layer.padding;
          end else begin
            y = pixel.row * layer.stride + word_t'(k / 3) * layer.dilation - layer.padding;
            x = pixel.column * layer.stride + word_t'(k % 3) * layer.dilation - layer.padding;
          end
          on_map = y < layer.in_height && x < layer.in_width;  // negative numbers are large here
          on_map = on_map && slots < layer.step_pixels && !(layer.vectors[0] && k > 7);
          address = ((pixel.image * layer.in_height + y) * layer.in_width + x) * number + group;
          if (layer.vectors[0]) address = address * 8 + word_t'(k);
          for (word_t u = 0; u < layer.pixel_pes; u++) begin
            if (on_map) begin
              // The first weight is the most significant bit of a kernel.
              windows[(base+u)*DOT_WIDTH+(layer.vectors[0]?7:DOT_WIDTH-1)-k] <=
                  words[AW'(address)][u];
              valids[(base+u)*DOT_WIDTH+(layer.vectors[0]?7:DOT_WIDTH-1)-k] <=
                  !(layer.vectors[0] && word_t'(k) >= layer.tail_channels &&
                    (start ? layer.groups == 1 : next.group + 1 == layer.groups) &&
                    u + 1 == layer.last_units);
            end
          end
        end
        pixel = plus(layer, pixel, 0, 0, 1);
        slots = slots + 1;
      end
    end
  end
endmodule
