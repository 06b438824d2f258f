import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { InjectModel, type Model } from 'nestor';

interface Label {
  readonly label: string;
  readonly score: number;
}

@Controller('flowers')
export class FlowersController {
  constructor(@InjectModel('iris') private readonly iris: Model) {}

  /** One row, by the names of the columns that the model's `model.yaml` declares. */
  @Post()
  @HttpCode(200)
  async species(@Body() flower: Record<string, number>): Promise<Label | undefined> {
    const { outputs } = await this.iris.infer({ flower, top_k: 1 });
    return (outputs.species as Label[])[0];
  }
}
