// Declarations that all units share: a layer's registers, and positions in its loop nest.
package machine;
  typedef logic [31:0] word_t;

  // The registers that describe a layer. Written before `start`, constant during the run.
  typedef struct packed {
    word_t direct;          // 1: no LUT, every dot product is recomputed
    word_t vectors;         // 1: 1x1 layer, a unit is a vector of 8 channels; 0: 3x3
    word_t expand;          // 1: direct, but the index buffer contains indices into the subset
    word_t rows;            // rows of output: runs of pixel steps that share a fetched block
    word_t row_steps;       // pixel steps of a row
    word_t last_row_steps;  // pixel steps of the last row
    word_t conv_groups;     // groups of the convolution
    word_t blocks;          // output blocks, per group of the convolution
    word_t groups;          // groups of input units (input blocks)
    word_t passes;          // LUT passes over the subset
    word_t long_outputs;    // outputs of the first blocks ...
    word_t long_blocks;     // ... and the number of these blocks
    word_t short_outputs;   // outputs of the other blocks ...
    word_t last_outputs;    // ... except the last block
    word_t pixels;          // output pixels in total
    word_t step_pixels;     // output pixels of a step
    word_t pixel_pes;       // PEs that work on one pixel
    word_t long_units;      // input units of the first groups ...
    word_t long_groups;     // ... and how many they are
    word_t short_units;     // input units of the others ...
    word_t last_units;      // ... except the last group
    word_t long_entries;    // table entries of the first passes ...
    word_t long_passes;     // ... and how many they are; the others have one less
    word_t index_bits;      // bits of an index (or kernel) in the index buffer
    word_t bits_per_cycle;  // rate of the index buffer
    word_t in_height;
    word_t in_width;
    word_t out_height;
    word_t out_width;
    word_t stride;
    word_t padding;
    word_t dilation;
    word_t step_images;     // step_pixels as images, rows and columns of output
    word_t step_rows;
    word_t step_columns;
    word_t tail_channels;   // channels of the last vector
  } layer_t;

  // Bounds of a unit's loops. The bound of a loop that the unit skips is 1.
  typedef struct packed {
    word_t rows;
    word_t row_steps;
    word_t last_row_steps;
    word_t conv_groups;
    word_t blocks;
    word_t groups;
    word_t passes;
  } nest_t;

  // for row: for conv_group: for block: for step: for group: for pass
  typedef struct packed {
    word_t row;
    word_t conv_group;
    word_t block;
    word_t step;
    word_t group;
    word_t pass;
  } place_t;

  function automatic nest_t nest_of(layer_t layer);
    nest_of = '{
        rows: layer.rows,
        row_steps: layer.row_steps,
        last_row_steps: layer.last_row_steps,
        conv_groups: layer.conv_groups,
        blocks: layer.blocks,
        groups: layer.groups,
        passes: layer.passes
    };
  endfunction

  function automatic logic ends_row(nest_t nest, place_t at);
    ends_row = at.step + 1 == (at.row + 1 == nest.rows ? nest.last_row_steps : nest.row_steps);
  endfunction

  function automatic place_t next_place(nest_t nest, place_t at);
    next_place = at;
    next_place.pass = at.pass + 1;
    if (next_place.pass == nest.passes) begin
      next_place.pass  = 0;
      next_place.group = at.group + 1;
      if (next_place.group == nest.groups) begin
        next_place.group = 0;
        next_place.step  = at.step + 1;
        if (ends_row(nest, at)) begin
          next_place.step  = 0;
          next_place.block = at.block + 1;
          if (next_place.block == nest.blocks) begin
            next_place.block      = 0;
            next_place.conv_group = at.conv_group + 1;
            if (next_place.conv_group == nest.conv_groups) begin
              next_place.conv_group = 0;
              next_place.row        = at.row + 1;
            end
          end
        end
      end
    end
  endfunction

  // True if the step at `at` is the last to use the indices in its set of registers.
  function automatic logic last_use(nest_t nest, place_t at);
    last_use = nest.groups > 1 || ((nest.blocks > 1 || nest.conv_groups > 1) && ends_row(nest, at));
  endfunction

  // Outputs of the block at `at`.
  function automatic word_t block_outputs(layer_t layer, place_t at);
    if (at.block + 1 == layer.blocks) block_outputs = layer.last_outputs;
    else if (at.block < layer.long_blocks) block_outputs = layer.long_outputs;
    else block_outputs = layer.short_outputs;
  endfunction

  // True if `row` is the last row of the partial-sum buffer with any of `outputs` sums. A row has
  // `lanes` outputs.
  function automatic logic last_row(word_t row, word_t outputs, int lanes);
    last_row = (row + 1) * word_t'(lanes) >= outputs;
  endfunction

  // LUT entries of a pass.
  function automatic word_t pass_entries(layer_t layer, word_t pass);
    pass_entries = layer.long_entries - word_t'(pass >= layer.long_passes);
  endfunction

  // Row of the subset in LUT entry 0 of a pass.
  function automatic word_t pass_base(layer_t layer, word_t pass);
    pass_base = pass * layer.long_entries -
        (pass > layer.long_passes ? pass - layer.long_passes : 0);
  endfunction

  // Input units of the group at `at`.
  function automatic word_t group_units(layer_t layer, place_t at);
    if (at.group + 1 == layer.groups) group_units = layer.last_units;
    else if (at.group < layer.long_groups) group_units = layer.long_units;
    else group_units = layer.short_units;
  endfunction
endpackage
